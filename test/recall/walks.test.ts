import { testStoredFigures } from "./stored_figures.js";
import { WALKED_STORES } from "./stores.js";

testStoredFigures("walks", WALKED_STORES);
