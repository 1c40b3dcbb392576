// Run by `npm run compare` with vitest: the contract suite against the store that EMBEDLESS_SUBJECT names.
import { vectorStoreContract } from "./langchain_suite.js";
import { subjectNamed } from "./subjects.js";

vectorStoreContract(await subjectNamed(process.env["EMBEDLESS_SUBJECT"] ?? "EmbedlessVectorStore"));
