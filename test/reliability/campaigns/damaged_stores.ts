import { DatabaseSync } from "@photostructure/sqlite";
import { type AddItem, type OpenOptions, VectorStore } from "../../../src/index.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { texts } from "../../support/texts.js";

/**
 * Small stores that together have every table: codes with their own codebook, a dictionary, live bits, records and an
 * index on metadata; passages that wait for their codebook; kept vectors with a graph and words.
 */
export const STORE_KINDS = ["coded", "waiting", "linked"] as const;
export type StoreKind = (typeof STORE_KINDS)[number];

const DIMS = 16;
/** So many passages fill a block of codes. With a quarter of them a store has a codebook of its own. */
const TRAINING = 4096;
/** Passages that are left of them. */
const KEPT = 20;
/** Pages of deleted passages that stay in the file, unused. */
const FREE_PAGES = 3;

/** How a store of a kind is opened. */
export function optionsOf(kind: StoreKind): OpenOptions {
  const embedder = fakeEmbedder({ dims: DIMS });
  switch (kind) {
    case "coded":
      return { embedder, codes: { bytes: 24 }, filterable: ["n"] };
    case "waiting":
      return {
        embedder,
        metric: "l2",
        codes: { leanvec: { dims: 8, primary: "lvq8", training: "ood" } },
        sampleQueries: texts(16, 900),
      };
    case "linked":
      return { embedder, codes: "lvq8", vectors: "float16", index: "vamana", keywords: true };
  }
}

/** Makes a store at `path`; another `from` gives other passages under ids of which half are the same. */
export async function makeStore(path: string, kind: StoreKind, from = 0): Promise<void> {
  const store = await VectorStore.open(path, optionsOf(kind));
  if (kind === "coded") {
    await store.add(passages(TRAINING, 0, from));
    await store.delete({ ids: passages(TRAINING - KEPT, 0, from).map(({ id }) => id!) });
    const records = store.records("books");
    const keys = passages(40, 0, from).map(({ id }) => id!);
    await records.update(keys, { groups: keys.map((_, i) => (i % 3 ? `shelf ${i % 5}` : null)) });
  }
  await store.add(passages(36, TRAINING, from));
  if (kind === "linked") await store.compact();
  await store.delete({ ids: passages(4, TRAINING, from).map(({ id }) => id!) });
  await store.close();
  giveSpaceBack(path);
}

/** Passages from number `first` on; of another store half of them have other ids. */
function passages(count: number, first: number, from: number): AddItem[] {
  return texts(count, first + from).map((text, i) => ({
    id: i % 2 ? `p${first + i}` : `p${first + i + from}`,
    text,
    metadata: { n: i, tag: `t${i % 7}`, deep: { list: [i, `${from}`] } },
  }));
}

/** Leaves few of the pages that deleted passages had, so that most of the file is in use. */
function giveSpaceBack(path: string): void {
  const driver = new DatabaseSync(path);
  const { freelist_count: free } = driver.prepare("PRAGMA freelist_count").get() as { freelist_count: number };
  driver.exec(`PRAGMA incremental_vacuum(${Math.max(0, free - FREE_PAGES)}); PRAGMA wal_checkpoint(TRUNCATE)`);
  driver.close();
}
