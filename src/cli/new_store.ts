/** What the commands `build` and `import` ask about a store that they may have to make. */

import type { OpenOptions } from "../types.js";
import type { ModelOptions } from "./embedders.js";

/** Options of the command line. */
export interface NewStoreOptions extends ModelOptions {
  codes?: string;
  vectors?: string;
  index?: string;
  keywords?: boolean;
}

/** What the store is to be, as given; `open` checks it. */
export function traitsOf({ codes, vectors, index, keywords }: NewStoreOptions): OpenOptions {
  const asked = {
    codes: codes !== undefined && /^\d+$/.test(codes) ? { bytes: Number(codes) } : codes,
    vectors,
    index,
    keywords,
  };
  return JSON.parse(JSON.stringify(asked)) as OpenOptions;
}
