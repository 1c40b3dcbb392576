/**
 * `node llamaindex_process.js <file> <name> <count>` adds that many nodes of a document `name` to a store, one by one,
 * asks for each at once, and prints how many were found, and how many the store then answers of all.
 */

import { NodeRelationship, TextNode } from "llamaindex";
import { EmbedlessVectorStore } from "../../integrations/llamaindex/index.js";
import { WordEmbedding } from "./llamaindex_embedding.js";

const [path, name, count] = process.argv.slice(2);
const model = new WordEmbedding();
const store = new EmbedlessVectorStore({ path: path!, embedModel: model });
let found = 0;
for (let i = 0; i < Number(count); i++) {
  const relationships = { [NodeRelationship.SOURCE]: { nodeId: name!, metadata: {} } };
  const node = new TextNode({ id_: `${name}-${i}`, text: `Note number${i} written by ${name}.`, relationships });
  await store.add(await model([node]));
  const { ids } = await store.query({ queryStr: `number${i} by ${name}`, similarityTopK: 1, mode: "default" as never });
  if (ids[0] === `${name}-${i}`) found++;
}
const all = await store.query({ queryStr: "note", similarityTopK: 1_000, mode: "default" as never });
console.log(JSON.stringify({ found, all: all.ids.length }));
await store.close();
