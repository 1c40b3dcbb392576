import { testStoredFigures } from "./stored_figures.js";
import { CODED_STORES } from "./stores.js";

testStoredFigures("codes", CODED_STORES);
