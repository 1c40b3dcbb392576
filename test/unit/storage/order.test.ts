import { readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { type OpenOptions, type SearchOptions, VectorStore } from "../../../src/index.js";
import { requireOrder } from "../../../src/storage/integrity.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile } from "../../support/store.js";
import { codeOf } from "./temporary_store.js";

it.each<[keys: number[], least: number, sound: boolean]>([
  [[], 0, true],
  [[0], 0, true],
  [[3, 4, 9], 3, true],
  [[2, 4], 3, false],
  [[3, 3], 3, false],
  [[3, 5, 4], 3, false],
])("keys %j from %d on are in order: %s", async (keys, least, sound) => {
  expect(await codeOf(() => requireOrder("t", keys, least))).toBe(sound ? "none" : "CORRUPT");
});

const PASSAGES = 300;

/** Together they have every table with more rows than are read at once. */
const kinds: Record<string, () => OpenOptions> = {
  "kept vectors and words": () => ({ embedder: fakeEmbedder({ dims: 16 }), vectors: "float16", keywords: true }),
  "codes, a graph and records": () => ({
    embedder: fakeEmbedder({ dims: 16 }),
    codes: "lvq8",
    index: "vamana",
    filterable: ["n"],
  }),
};

/** The head of a page of rows of a table, and of one of an index. */
const TABLE_LEAF = 13;
const INDEX_LEAF = 10;

/** The places of all pages of rows in a store's file. */
function leaves(bytes: Buffer): number[] {
  const pageBytes = bytes.readUInt16BE(16);
  const pages = Array.from({ length: bytes.length / pageBytes }, (_, i) => Math.max(100, i * pageBytes));
  return pages.filter((at) => (bytes[at] === TABLE_LEAF || bytes[at] === INDEX_LEAF) && bytes.readUInt16BE(at + 3) > 1);
}

/** Turns the order of a page's rows around; each row stays whole. */
function turnAround(original: Buffer, at: number): Buffer {
  const bytes = Buffer.from(original);
  const rows = bytes.readUInt16BE(at + 3);
  for (let i = 0; i < rows; i++)
    bytes.writeUInt16BE(original.readUInt16BE(at + 8 + 2 * i), at + 8 + 2 * (rows - 1 - i));
  return bytes;
}

it.each(Object.keys(kinds))(
  "rows of a store of %s that are out of order lead nobody in a circle, and nobody is told less than there is",
  async (kind) => {
    const options = kinds[kind]!;
    const file = await temporaryFile();
    const store = await openStore(file, options());
    await store.add(items(PASSAGES));
    await store.records("books").update(items(PASSAGES).map(({ id }) => id!));
    await store.compact();
    const sound = await answersOf(store);
    await store.close();
    const original = readFileSync(file);
    const places = leaves(original);
    expect(places.length).toBeGreaterThan(8);
    for (const at of places) {
      const path = await temporaryFile();
      writeFileSync(path, turnAround(original, at));
      const opened = await VectorStore.open(path, options()).catch((error: { code: string }) => error.code);
      if (typeof opened === "string") {
        expect(opened).toBe("CORRUPT");
        continue;
      }
      const answers = await answersOf(opened);
      for (const [question, answer] of Object.entries(answers)) {
        if (answer !== "CORRUPT" && !UNCHECKED.includes(question))
          expect({ at, [question]: answer }).toEqual({ at, [question]: sound[question] });
      }
      expect(answers["verify"]).not.toEqual(sound["verify"]);
      await opened.close();
      const repaired = await VectorStore.repair(path, options());
      expect(repaired.passages + repaired.lost.length).toBeGreaterThanOrEqual(PASSAGES);
    }
  },
  120_000,
);

/** What SQLite's own tables choose, and the finding itself. */
const UNCHECKED = ["words", "filter", "verify"];

async function answersOf(store: VectorStore): Promise<Record<string, unknown>> {
  const answers: Record<string, unknown> = {};
  const ask = async (question: string, work: () => Promise<unknown>) => {
    answers[question] = await work().catch((error: { code?: string }) => error.code);
  };
  const listed = async () => {
    const ids: string[] = [];
    for await (const { id } of store.passages()) ids.push(id);
    return ids;
  };
  const found = (options: SearchOptions) => async () =>
    (await store.search("The river crosses the orchard", { k: 5, ...options })).hits.map(({ id }) => id);
  await ask("list", listed);
  await ask("get", () => store.get(["p0", "p150", "p299", "nobody"]));
  await ask("vector", found({}));
  await ask("words", found({ mode: "keyword" }));
  await ask("filter", found({ filter: { n: { $gte: 100 } } }));
  await ask("records", () => store.records("books").list());
  await ask("verify", async () => (await store.verify()).ok);
  return answers;
}
