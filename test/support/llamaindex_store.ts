import { type BaseNode, NodeRelationship, TextNode, VectorStoreQueryMode } from "llamaindex";
import { afterEach } from "vitest";
import { type EmbedlessConfig, EmbedlessVectorStore } from "../../integrations/llamaindex/index.js";
import { WordEmbedding } from "./llamaindex_embedding.js";

const open: EmbedlessVectorStore[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((store) => store.close()));
});

/** The model of all stores made here, unless they say otherwise. */
export const model = new WordEmbedding();

/** A store that is closed after the test. */
export function nodeStore(config: EmbedlessConfig = {}): EmbedlessVectorStore {
  const store = new EmbedlessVectorStore({ embedModel: model, ...config });
  open.push(store);
  return store;
}

/** Nodes as an index hands them over: with the vectors of their texts with metadata. */
export async function embedded(...nodes: TextNode[]): Promise<BaseNode[]> {
  return await model(nodes);
}

/** A node that was made from the document `source`. */
export function nodeOf(source: string, id_: string, text: string, metadata = {}): TextNode {
  const relationships = { [NodeRelationship.SOURCE]: { nodeId: source, metadata: {} } };
  return new TextNode({ id_, text, metadata, relationships });
}

/** A query in words for three nodes; `more` goes before. */
export function asking(queryStr: string, more: object = {}) {
  return { queryStr, similarityTopK: 3, mode: VectorStoreQueryMode.DEFAULT, ...more };
}

/** All ids that a query finds, sorted. */
export async function idsIn(store: EmbedlessVectorStore, more: object = {}): Promise<string[]> {
  return (await store.query(asking("hens and owls", { similarityTopK: 100, ...more }))).ids.sort();
}
