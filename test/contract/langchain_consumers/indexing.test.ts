import { Document } from "@langchain/core/documents";
import { index } from "@langchain/core/indexing";
import { RecursiveCharacterTextSplitter } from "@langchain/textsplitters";
import { expect, it } from "vitest";
import { EmbedlessRecordManager, type EmbedlessVectorStore } from "../../../integrations/langchain/index.js";
import { WordEmbeddings } from "../../support/langchain_embeddings.js";
import { embedlessStore, reopened } from "../../support/langchain_stores.js";

const splitter = new RecursiveCharacterTextSplitter({ chunkSize: 25, chunkOverlap: 0, separators: ["\n\n"] });

/** One run of a pipeline: files are split and indexed. */
async function run(
  store: EmbedlessVectorStore,
  files: Record<string, string>,
  cleanup: "full" | "incremental",
  recordManager = new EmbedlessRecordManager(store, { namespace: "files" }),
) {
  const documents = Object.entries(files).map(
    ([source, pageContent]) => new Document({ pageContent, metadata: { source } }),
  );
  return index({
    docsSource: await splitter.splitDocuments(documents),
    recordManager,
    vectorStore: store,
    options: { cleanup, sourceIdKey: "source", batchSize: 2 },
  });
}

async function texts(store: EmbedlessVectorStore): Promise<string[]> {
  return (await store.similaritySearch("animals", 100)).map(({ pageContent }) => pageContent).sort();
}

const files = {
  "andes.md": "llamas live in the andes\n\nalpacas give wool",
  "farm.md": "hens lay eggs\n\nducks swim on the pond\n\ngeese guard the farm",
};

it("index() splits, adds, skips, changes and cleans up, from one process to the next", async () => {
  let store = await embedlessStore();
  expect(await run(store, files, "incremental")).toEqual({ numAdded: 5, numDeleted: 0, numUpdated: 0, numSkipped: 0 });

  const embeddings = new WordEmbeddings();
  store = await reopened(store, embeddings);
  expect(await run(store, files, "full")).toEqual({ numAdded: 0, numDeleted: 0, numUpdated: 0, numSkipped: 5 });
  expect(embeddings.fake.documents).toBe(0);

  const changed = { ...files, "farm.md": "hens lay eggs\n\nducks dive in the pond" };
  expect(await run(store, changed, "incremental")).toMatchObject({ numAdded: 1, numSkipped: 3, numDeleted: 2 });
  expect(await texts(store)).toEqual([
    "alpacas give wool",
    "ducks dive in the pond",
    "hens lay eggs",
    "llamas live in the andes",
  ]);

  store = await reopened(store);
  const { "andes.md": gone, ...left } = changed;
  expect(gone).toContain("alpacas");
  expect(await run(store, left, "full")).toMatchObject({ numAdded: 0, numSkipped: 2, numDeleted: 2 });
  expect(await texts(await reopened(store))).toEqual(["ducks dive in the pond", "hens lay eggs"]);
});

it("index() that is cut off between adding and booking is made good by the next run", async () => {
  const store = await embedlessStore();
  const recordManager = new EmbedlessRecordManager(store, { namespace: "files" });
  recordManager.update = async () => {
    throw new Error("the power is gone");
  };
  await expect(run(store, files, "full", recordManager)).rejects.toThrow("power");
  const again = await reopened(store);
  expect(await run(again, files, "full")).toMatchObject({ numAdded: 5, numDeleted: 0 });
  expect(await texts(again)).toHaveLength(5);
});
