/**
 * `node dist/examples/langchain_index_api.js`: keeps a store in step with its sources through LangChain's `index()`. What
 * did not change is neither written nor embedded again, what is gone from the sources is deleted; the book of it lies in the
 * store's own file. Ends with 1 unless every count is right.
 */

import { deepEqual } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Document } from "@langchain/core/documents";
import { index } from "@langchain/core/indexing";
import { EmbedlessRecordManager, EmbedlessVectorStore, MiniLMEmbeddings } from "embedless/langchain";
import { QUESTIONS, readManuals } from "./manuals.js";

/** The sections of the manuals, as a loader would give them. */
function load(): Document[] {
  return readManuals().flatMap(({ name, text }) =>
    text
      .split(/^(?=## )/m)
      .map((section) => section.slice(0, 1000))
      .map((pageContent, part) => new Document({ pageContent, metadata: { source: `${name}#${part}` } })),
  );
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "embedless-index-"));
  const embeddings = new MiniLMEmbeddings();
  const vectorStore = new EmbedlessVectorStore(embeddings, { path: join(folder, "manuals.db") });
  const recordManager = new EmbedlessRecordManager(vectorStore, { namespace: "manuals" });
  const sync = async (docsSource: Document[], what: string) => {
    const started = performance.now();
    const done = await index({ docsSource, recordManager, vectorStore, options: { cleanup: "full" } });
    const { numAdded: added, numSkipped: skipped, numDeleted: deleted } = done;
    const ms = Math.round(performance.now() - started);
    console.log(`${what.padEnd(36)} added ${added}, skipped ${skipped}, deleted ${deleted}, ${ms} ms`);
    return { added, skipped, deleted };
  };
  try {
    await recordManager.createSchema();
    const documents = load();
    const n = documents.length;
    deepEqual(await sync(documents, "the first time"), { added: n, skipped: 0, deleted: 0 });
    deepEqual(await sync(documents, "again, nothing changed"), { added: 0, skipped: n, deleted: 0 });

    const [first, , ...rest] = documents as [Document, Document, ...Document[]];
    const edited = new Document({ ...first, pageContent: `Edited. ${first.pageContent}` });
    deepEqual(await sync([edited, ...rest], "one edited, one gone"), { added: 1, skipped: n - 2, deleted: 2 });
    deepEqual(await (await vectorStore.store()).count(), n - 1);

    const [question, manual] = QUESTIONS[1];
    const [found] = await vectorStore.similaritySearch(question, 1);
    console.log(`\n? ${question}\n  ${found!.metadata["source"]}`);
    deepEqual(String(found!.metadata["source"]).split("#")[0], manual);
  } finally {
    await vectorStore.close();
    await embeddings.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
