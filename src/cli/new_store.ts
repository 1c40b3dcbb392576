/** What the commands `build` and `import` ask about a store that they may have to make. */

import type { Embedder } from "../embed/embedder.js";
import type { OpenOptions } from "../types.js";
import { embedderFor } from "./embedders.js";
import { UsageError } from "./failures.js";

/** Options of the command line. */
export interface NewStoreOptions {
  model?: string;
  url?: string;
  codes?: string;
  vectors?: string;
  index?: string;
  keywords?: boolean;
}

/** The embedder that was named; `undefined` leaves it to the store. */
export async function newStoreEmbedder({ model, url }: NewStoreOptions): Promise<Embedder | undefined> {
  if (url !== undefined && model === undefined) {
    throw new UsageError("--url needs --model, the name of the model at that server.");
  }
  return await embedderFor(model, url);
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
