/**
 * From LangChain's `MemoryVectorStore` to `EmbedlessVectorStore`: the same pipeline over both, and then what the second
 * can do besides. The change is two lines, the import and the constructor:
 *
 *     -import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
 *     +import { EmbedlessVectorStore } from "embedless/langchain";
 *     -const store = await MemoryVectorStore.fromDocuments(documents, embeddings);
 *     +const store = await EmbedlessVectorStore.fromDocuments(documents, embeddings, { path: "buildings.db" });
 *
 * | coming from     | MemoryVectorStore  | HNSWLib                 | FaissStore          | here                       |
 * |-----------------|--------------------|-------------------------|---------------------|----------------------------|
 * | constructor     | (embeddings)       | (embeddings, { space }) | (embeddings, {})    | (embeddings, { path })     |
 * | save            | -                  | save(folder)            | save(folder)        | nothing to do              |
 * | open again      | -                  | load(folder, e)         | load(folder, e)     | fromExistingIndex(e, path) |
 * | add: ids        | not returned       | not returned            | returned            | returned, also on hits     |
 * | an id again     | second document    | second document         | second document     | replaces the first         |
 * | delete({ ids }) | throws             | throws                  | throws if unknown   | ignores unknown ones       |
 * | score           | cosine, high: near | distance, LOW: near     | distance, LOW: near | cosine, high: near         |
 * | filter          | function           | function                | ignored             | function or { year: 1937 } |
 *
 * Thresholds on distances turn round: `distance < 0.3` of HNSWLib is `score > 0.7`. Ends with 1 unless both stores
 * answer alike.
 */

import { deepStrictEqual } from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import { Document } from "@langchain/core/documents";
import type { VectorStore } from "@langchain/core/vectorstores";
import { EmbedlessVectorStore, MiniLMEmbeddings } from "embedless/langchain";

const documents = [
  ["eiffel", 1889, "The Eiffel Tower was built for the world's fair and should have come down after twenty years."],
  ["bridge", 1937, "The Golden Gate Bridge is painted in a colour that can be seen through the fog of the bay."],
  ["canal", 1914, "Ships climb twenty-six metres in three steps of locks to cross the isthmus of Panama."],
  ["tunnel", 1994, "Trains pass below the Channel in thirty-five minutes, fifty kilometres of rails under the sea."],
  ["dam", 1936, "The Hoover Dam holds back the Colorado river and gives power to three states of the desert."],
  ["opera", 1973, "The shells of the Sydney Opera House are all cut from one sphere, which made them buildable."],
].map(
  ([id, year, pageContent]) =>
    new Document({ id: id as string, pageContent: pageContent as string, metadata: { year } }),
);

/** The pipeline that stays as it is: retrievers, scores, a filter. */
async function pipeline(store: VectorStore) {
  const idsOf = (found: Document[]) => found.map(({ id }) => id);
  const recent = ({ metadata }: Document) => metadata["year"] > 1930;
  const scored = await store.similaritySearchWithScore("How do ships get from one ocean to the other?", 2);
  return {
    nearest: idsOf(await store.asRetriever(2).invoke("a tower of iron in Paris")),
    diverse: idsOf(await store.asRetriever({ k: 3, searchType: "mmr" }).invoke("crossing water")),
    filtered: idsOf(await store.similaritySearch("old iron building", 2, recent as VectorStore["FilterType"])),
    scored: scored.map(([{ id }, score]) => `${id} ${score.toFixed(4)}`),
  };
}

const folder = mkdtempSync(join(tmpdir(), "embedless-migrate-"));
const path = join(folder, "buildings.db");
const embeddings = new MiniLMEmbeddings();
try {
  const before = await pipeline(await MemoryVectorStore.fromDocuments(documents, embeddings));
  const store = await EmbedlessVectorStore.fromDocuments(documents, embeddings, { path });
  const after = await pipeline(store);
  deepStrictEqual(after, before);
  console.log("Both stores answer:", after);

  // What comes with it: documents are replaced and deleted by id, and filters may be objects.
  const [dam] = await store.addDocuments([new Document({ ...documents[4]!, metadata: { year: 1936, country: "US" } })]);
  await store.delete({ ids: ["opera", "not there"] });
  const american = await store.similaritySearch("electricity", 5, { country: "US", year: { $lt: 1940 } });
  deepStrictEqual([dam, american.map(({ id }) => id)], ["dam", ["dam"]]);
  await store.close();

  // And all of it is still there when the program starts again.
  const again = await EmbedlessVectorStore.fromExistingIndex(embeddings, path);
  const [bridge] = await again.getByIds(["bridge"]);
  const count = await (await again.store()).count();
  deepStrictEqual([bridge!.metadata["year"], count], [1937, 5]);
  await again.close();
  console.log(`Opened again: ${count} documents in ${statSync(path).size / 1024} KB, and no vector among them.`);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await embeddings.close();
  rmSync(folder, { recursive: true, force: true });
}
