import { vectorStoreContract } from "./langchain_suite.js";
import { embedless, embedlessOverCore } from "./subjects.js";
import { filtering } from "./suite/filtering.js";
import { keeping } from "./suite/keeping.js";
import { searching } from "./suite/searching.js";
import { writing } from "./suite/writing.js";

vectorStoreContract(embedless);
// Two processes share the file, whoever opened it.
vectorStoreContract(embedlessOverCore, [writing, searching, filtering, keeping]);
