/**
 * `node dist/examples/custom_embedder.js`: an embedder is an object with four members. This one puts a prefix before every
 * text, as the E5 and BGE families of models want it, and leaves the rest to another embedder; one that calls a service
 * looks the same. Ends with 1 unless all is as it says.
 */

import { equal, rejects } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Embedder, minilm, VectorStore } from "embedless";

const inner = minilm();

const embedder: Embedder = {
  // The store remembers the id: another model or another prefix is another embedder.
  id: `prefixed:${inner.id}`,
  // Length of the vectors; undefined if only the first answer tells.
  dims: inner.dims,
  // Called for passages, when they are added and when a search scores them. The same text must give the same vector.
  embedDocuments: (texts, options) =>
    inner.embedDocuments(
      texts.map((text) => `passage: ${text}`),
      options,
    ),
  // Called once a question.
  embedQuery: (text, options) => inner.embedQuery(`query: ${text}`, options),
};

const ANIMALS = [
  { id: "llama", text: "Llamas are kept in the high Andes for their wool and as beasts of burden." },
  { id: "owl", text: "The barn owl hunts at night and finds mice by hearing alone." },
  { id: "shark", text: "Sharks have swum in the oceans for more than 400 million years." },
];

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "embedless-embedder-"));
  const path = join(folder, "animals.db");
  try {
    const store = await VectorStore.open(path, { embedder });
    await store.add(ANIMALS);
    const { hits } = await store.search("Which bird is active after dark?", { k: 1 });
    console.log(`found ${hits[0]!.id}, cosine ${hits[0]!.score.toFixed(3)}`);
    equal(hits[0]!.id, "owl");
    await store.close();

    // Vectors of another embedder would be compared with these and mean nothing: that is an error, not a bad answer.
    await rejects(VectorStore.open(path, { embedder: inner }), { code: "MODEL_MISMATCH" });
    console.log("another embedder was refused");
  } finally {
    await inner.close?.();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
