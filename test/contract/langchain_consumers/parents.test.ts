import { MultiVectorRetriever } from "@langchain/classic/retrievers/multi_vector";
import { ParentDocumentRetriever } from "@langchain/classic/retrievers/parent_document";
import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import { Document } from "@langchain/core/documents";
import { InMemoryStore } from "@langchain/core/stores";
import type { VectorStore } from "@langchain/core/vectorstores";
import { RecursiveCharacterTextSplitter } from "@langchain/textsplitters";
import { expect, it } from "vitest";
import { WordEmbeddings } from "../../support/langchain_embeddings.js";
import { embedlessStore, idsOf, reopened } from "../../support/langchain_stores.js";

const andes = new Document({
  pageContent: "Llamas live in the high Andes.\n\nThey carry loads up to thirty kilos.\n\nTheir wool is warm.",
  metadata: { source: "andes.md" },
});
const farm = new Document({
  pageContent: "Hens lay one egg a day.\n\nIn winter they lay fewer.\n\nThe farmer feeds them corn.",
  metadata: { source: "farm.md" },
});

function parentRetriever(vectorstore: VectorStore, docstore: InMemoryStore<Document>): ParentDocumentRetriever {
  const childSplitter = new RecursiveCharacterTextSplitter({ chunkSize: 40, chunkOverlap: 0, separators: ["\n\n"] });
  return new ParentDocumentRetriever({
    vectorstore,
    docstore: docstore as never,
    childSplitter,
    childK: 2,
    parentK: 1,
  });
}

it("ParentDocumentRetriever finds by a piece and gives the whole, as with LangChain's own store", async () => {
  const ours = parentRetriever(await embedlessStore(), new InMemoryStore<Document>());
  const memory = parentRetriever(new MemoryVectorStore(new WordEmbeddings()), new InMemoryStore<Document>());
  for (const retriever of [ours, memory]) {
    await retriever.addDocuments([andes, farm], { ids: ["andes", "farm"] });
    expect(await retriever.invoke("who carry loads of thirty kilos")).toEqual([andes]);
    expect(await retriever.invoke("in winter they lay fewer")).toEqual([farm]);
  }
});

it("ParentDocumentRetriever: pieces of a parent are replaced and deleted by its id", async () => {
  const store = await embedlessStore();
  const docstore = new InMemoryStore<Document>();
  const retriever = parentRetriever(store, docstore);
  await retriever.addDocuments([andes, farm], { ids: ["andes", "farm"] });
  const core = await store.store();
  expect(await core.count()).toBe(6);

  const changed = new Document({ ...farm, pageContent: "Geese guard the farm." });
  await store.delete({ filter: { doc_id: "farm" } });
  await retriever.addDocuments([changed], { ids: ["farm"] });
  expect(await core.count()).toBe(4);
  expect(await retriever.invoke("in winter they lay fewer")).not.toContainEqual(farm);
  expect(await retriever.invoke("geese guard")).toEqual([changed]);

  await store.delete({ filter: { doc_id: "farm" } });
  await docstore.mdelete(["farm"]);
  expect(await core.count()).toBe(3);
  expect(await retriever.invoke("geese guard")).toEqual([andes]);
});

it("ParentDocumentRetriever goes on after a restart, and its parents may be kept in a store of ours too", async () => {
  const docstore = new InMemoryStore<Document>();
  const store = await embedlessStore();
  await parentRetriever(store, docstore).addDocuments([andes, farm], { ids: ["andes", "farm"] });
  const again = parentRetriever(await reopened(store), docstore);
  expect(await again.invoke("the farmer feeds corn")).toEqual([farm]);
  await again.addDocuments([new Document({ pageContent: "Owls hunt mice at night." })], { ids: ["owl"] });
  expect(await again.invoke("owls hunt")).toMatchObject([{ pageContent: "Owls hunt mice at night." }]);
});

it("ParentDocumentRetriever takes a retriever of ours with a filter for the pieces", async () => {
  const store = await embedlessStore();
  const docstore = new InMemoryStore<Document>();
  await parentRetriever(store, docstore).addDocuments([andes, farm], { ids: ["andes", "farm"] });
  const filtered = new ParentDocumentRetriever({
    vectorstore: store,
    docstore: docstore as never,
    childSplitter: new RecursiveCharacterTextSplitter(),
    childDocumentRetriever: store.asRetriever({ k: 1, filter: { source: "andes.md" } }) as never,
  });
  expect(await filtered.invoke("hens lay one egg a day")).toEqual([andes]);
});

it("MultiVectorRetriever finds a document by its summary and by a question about it", async () => {
  const store = await embedlessStore();
  const byteStore = new InMemoryStore<Uint8Array>();
  const retriever = new MultiVectorRetriever({ vectorstore: store, byteStore, idKey: "parent", childK: 3, parentK: 2 });
  await retriever.docstore.mset([
    ["andes", andes],
    ["farm", farm],
  ]);
  const child = (pageContent: string, parent: string, id: string) =>
    new Document({ pageContent, metadata: { parent }, id });
  await retriever.vectorstore.addDocuments([
    child("mountain animals of America", "andes", "andes:summary"),
    child("what do alpacas and llamas wear", "andes", "andes:question"),
    child("poultry keeping", "farm", "farm:summary"),
  ]);
  expect((await retriever.invoke("poultry keeping"))[0]).toMatchObject(farm);
  expect((await retriever.invoke("mountain animals"))[0]).toMatchObject(andes);

  // A new summary under the old id replaces it.
  await store.addDocuments([child("keeping bees and ducks", "farm", "farm:summary")]);
  expect(idsOf(await store.similaritySearch("poultry keeping", 10)).sort()).toEqual([
    "andes:question",
    "andes:summary",
    "farm:summary",
  ]);
  const again = new MultiVectorRetriever({ vectorstore: await reopened(store), byteStore, idKey: "parent", childK: 1 });
  expect(await again.invoke("bees and ducks")).toMatchObject([farm]);
});
