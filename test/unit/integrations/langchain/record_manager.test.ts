import { Document } from "@langchain/core/documents";
import { index } from "@langchain/core/indexing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  EmbedlessRecordManager,
  EmbedlessVectorStore,
  InMemoryRecordManager,
} from "../../../../integrations/langchain/index.js";
import { WordEmbeddings } from "../../../support/langchain_embeddings.js";
import { temporaryFile } from "../../../support/store.js";

let store: EmbedlessVectorStore;
let embeddings: WordEmbeddings;
let recordManager: EmbedlessRecordManager | InMemoryRecordManager;
let path: string;

beforeEach(async () => {
  path = await temporaryFile();
  embeddings = new WordEmbeddings();
  store = new EmbedlessVectorStore(embeddings, { path });
  recordManager = new EmbedlessRecordManager(store, { namespace: "animals" });
  await recordManager.createSchema();
});
afterEach(() => store.close());

function documents(...texts: string[]): Document[] {
  return texts.map((text) => new Document({ pageContent: text, metadata: { source: text.split(" ")[0] } }));
}

type IndexOptions = NonNullable<Parameters<typeof index>[0]["options"]>;
const run = (docsSource: Document[], options: IndexOptions = {}) =>
  index({ docsSource, recordManager, vectorStore: store, options });

async function texts(): Promise<string[]> {
  const found = await store.similaritySearch("animals", 100);
  return found.map(({ pageContent }) => pageContent).sort();
}

describe.each([
  ["in the file", () => recordManager],
  ["in memory", () => new InMemoryRecordManager()],
])("LangChain's index() with a book %s", (_, make) => {
  beforeEach(() => {
    recordManager = make();
  });

  it("puts in what is new, skips what is there, and embeds nothing twice", async () => {
    const all = documents("hens lay eggs", "llamas climb", "owls hunt");
    expect(await run(all)).toMatchObject({ numAdded: 3, numSkipped: 0 });
    embeddings.fake.documents = 0;
    expect(await run(all)).toMatchObject({ numAdded: 0, numSkipped: 3, numDeleted: 0 });
    expect(embeddings.fake.documents).toBe(0);
  });

  it("with full cleanup deletes what is gone, and never what it just added", async () => {
    for (let round = 0; round < 20; round++) {
      const result = await run(documents("hens lay eggs", `owls hunt ${round}`), { cleanup: "full" });
      expect(result).toMatchObject(
        round === 0 ? { numAdded: 2, numDeleted: 0 } : { numAdded: 1, numSkipped: 1, numDeleted: 1 },
      );
      expect(await texts()).toEqual(["hens lay eggs", `owls hunt ${round}`].sort());
    }
  });

  it("with incremental cleanup deletes old versions of the sources it saw", async () => {
    const options: IndexOptions = { cleanup: "incremental", sourceIdKey: "source" };
    await run(documents("hens lay eggs", "owls hunt"), options);
    expect(await run(documents("hens lay no eggs"), options)).toMatchObject({ numAdded: 1, numDeleted: 1 });
    expect(await texts()).toEqual(["hens lay no eggs", "owls hunt"]);
  });

  it("puts everything in again when forced, without doubling it", async () => {
    const all = documents("hens lay eggs", "owls hunt");
    await run(all);
    expect(await run(all, { forceUpdate: true })).toMatchObject({ numUpdated: 2 });
    expect(await texts()).toHaveLength(2);
  });
});

describe("a book in the file", () => {
  it("makes good a run that was cut off before it kept book", async () => {
    const all = documents("hens lay eggs", "owls hunt");
    const { update } = recordManager;
    recordManager.update = () => Promise.reject(new Error("power cut"));
    await expect(run(all, { cleanup: "full" })).rejects.toThrow("power cut");
    recordManager.update = update;
    embeddings.fake.documents = 0;
    expect(await run(all, { cleanup: "full" })).toMatchObject({ numAdded: 2, numDeleted: 0 });
    expect(embeddings.fake.documents).toBe(0); // the store had them already
    expect(await texts()).toHaveLength(2);
  });

  it("makes good a run that was cut off between deleting and forgetting", async () => {
    const all = documents("hens lay eggs", "owls hunt");
    await run(all, { cleanup: "full" });
    const { deleteKeys } = recordManager;
    recordManager.deleteKeys = () => Promise.reject(new Error("power cut"));
    await expect(run(all.slice(0, 1), { cleanup: "full" })).rejects.toThrow("power cut");
    recordManager.deleteKeys = deleteKeys;
    // The owl's record is still there, its document is not: a book that believed itself would skip it for ever.
    expect(await run(all, { cleanup: "full" })).toMatchObject({ numAdded: 1, numSkipped: 1 });
    expect(await texts()).toHaveLength(2);
  });
});

it("goes by a clock of the caller's, as the book in memory does", async () => {
  for (const book of [recordManager, new InMemoryRecordManager()]) {
    let now = 1_000;
    book.getTime = async () => now;
    await book.update(["a"]);
    now = 2_000;
    await book.update(["b"], { timeAtLeast: 2_000 });
    expect(await book.exists(["a", "b", "c"])).toEqual([true, true, false]);
    expect(await book.listKeys({ before: 1_500 })).toEqual(["a"]);
    expect(await book.listKeys({ after: 1_500, before: 2_500 })).toEqual(["b"]);
    await expect(book.update(["c"], { timeAtLeast: 2_001 })).rejects.toThrow(RangeError);
  }
});

it("takes the clock of a subclass", async () => {
  class Clocked extends EmbedlessRecordManager {
    override async getTime(): Promise<number> {
      return 5_000;
    }
  }
  const book = new Clocked(store);
  await book.update(["a"]);
  expect(await book.listKeys({ after: 4_999, before: 5_001 })).toEqual(["a"]);
});

it("counts updates where the documents are in another store than the book", async () => {
  const other = new EmbedlessVectorStore(new WordEmbeddings());
  const all = documents("hens lay eggs", "owls hunt");
  const into = { docsSource: all, recordManager, vectorStore: other };
  expect(await index(into)).toMatchObject({ numAdded: 2 });
  expect(await index(into)).toMatchObject({ numAdded: 0, numSkipped: 2 });
  expect(await index({ ...into, options: { forceUpdate: true } })).toMatchObject({ numAdded: 0, numUpdated: 2 });
  await other.close();
});

it("meets a blank document once", async () => {
  const all = [...documents("hens lay eggs"), new Document({ pageContent: " ", metadata: { source: "x" } })];
  expect(await run(all, { cleanup: "full" })).toMatchObject({ numAdded: 2, numSkipped: 0 });
  expect(await run(all, { cleanup: "full" })).toMatchObject({ numAdded: 0, numSkipped: 2, numDeleted: 0 });
  expect(await texts()).toEqual(["hens lay eggs"]);
  expect(store.skipped).toBe(1);
});

it("keeps books of different names, and keeps them in the file", async () => {
  await run(documents("hens lay eggs"));
  const other = new EmbedlessRecordManager(store);
  expect(await other.listKeys()).toEqual([]);
  const keys = await recordManager.listKeys();
  expect(keys).toHaveLength(1);
  await store.close();
  const again = new EmbedlessVectorStore(new WordEmbeddings(), { path });
  expect(await new EmbedlessRecordManager(again, { namespace: "animals" }).listKeys({ limit: 5 })).toEqual(keys);
  await again.close();
});

it.each([
  ["in the file", () => recordManager],
  ["in memory", () => new InMemoryRecordManager()],
])("a book %s refuses another number of groups than of keys, and a time to come", async (_, make) => {
  recordManager = make();
  await expect(recordManager.update(["a"], { groupIds: [] })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  await expect(recordManager.update(["a"], { timeAtLeast: Date.now() + 1e8 })).rejects.toThrow(RangeError);
  expect(await recordManager.listKeys()).toEqual([]);
});

it("a book in memory lists between two times, by groups, and at most so many", async () => {
  const book = new InMemoryRecordManager();
  await book.createSchema();
  await book.update(["a", "b"], { groupIds: ["x", null] });
  const between = await book.getTime();
  await book.update(["c", "a"], { groupIds: ["y", "x"] });
  expect(await book.exists(["a", "b", "c", "d"])).toEqual([true, true, true, false]);
  expect(await book.listKeys()).toEqual(["a", "b", "c"]);
  expect(await book.listKeys({ before: between })).toEqual(["b"]);
  expect(await book.listKeys({ after: between })).toEqual(["a", "c"]);
  expect(await book.listKeys({ groupIds: ["x", null] })).toEqual(["a", "b"]);
  expect(await book.listKeys({ limit: 1 })).toEqual(["a"]);
  await book.deleteKeys(["a", "unknown"]);
  expect(await book.listKeys()).toEqual(["b", "c"]);
  const times = await Promise.all(Array.from({ length: 100 }, () => book.getTime()));
  expect(new Set(times).size).toBe(100);
});
