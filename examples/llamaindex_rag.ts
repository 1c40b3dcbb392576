/**
 * `node dist/examples/llamaindex_rag.js`: LlamaIndex answers questions from the manuals of three packages. Nodes are
 * stored once and found again after a restart. The language model is that of `llamaindex_llm.ts`. Ends with 1 unless each
 * question finds its manual.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EmbedlessVectorStore, MiniLMEmbedding } from "embedless/llamaindex";
import { Document, SentenceSplitter, Settings, storageContextFromDefaults, VectorStoreIndex } from "llamaindex";
import { ExampleLLM } from "./llamaindex_llm.js";
import { QUESTIONS, readManuals } from "./manuals.js";

async function main(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), "embedless-llamaindex-"));
  Settings.embedModel = new MiniLMEmbedding();
  Settings.llm = new ExampleLLM();
  const documents = readManuals().map(
    ({ name, text }) => new Document({ id_: name, text, metadata: { package: name } }),
  );
  let vectorStore = new EmbedlessVectorStore({ path: folder });
  try {
    // The model reads 254 tokens of a passage, fewer than LlamaIndex makes them by default.
    const nodes = new SentenceSplitter({ chunkSize: 200, chunkOverlap: 20 }).getNodesFromDocuments(documents);
    const storageContext = await storageContextFromDefaults({ vectorStore });
    await VectorStoreIndex.init({ nodes, storageContext });
    await vectorStore.close();

    // Another day: everything is in the file.
    vectorStore = await EmbedlessVectorStore.fromPersistDir(folder);
    const index = await VectorStoreIndex.fromVectorStore(vectorStore);
    const engine = index.asQueryEngine({ similarityTopK: 3 });
    let right = true;
    for (const [query, manual] of QUESTIONS) {
      const { response, sourceNodes = [] } = await engine.query({ query });
      const found = sourceNodes.map(({ node }) => node.sourceNode?.nodeId);
      console.log(`\n? ${query}\n  ${response.trim()}\n  from: ${found.join(", ")}`);
      right &&= found[0] === manual;
    }
    const filters = { filters: [{ key: "package", operator: "!=" as const, value: "commander" }] };
    const others = await index.asRetriever({ similarityTopK: 5, filters }).retrieve(QUESTIONS[0][0]);
    right &&= others.length === 5 && others.every(({ node }) => node.metadata["package"] !== "commander");
    console.log(
      `\n${nodes.length} nodes; ${right ? "each question found its manual" : "a question missed its manual"}.`,
    );
    return right;
  } finally {
    await vectorStore.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

process.exitCode = (await main()) ? 0 : 1;
