/**
 * `node --expose-gc add_stream.js <file> <count> <more>` adds an iterable of `more` passages to a new store and prints what
 * the heap held once `count` were through, and at the end, as JSON: [bytes, bytes].
 */

import { type AddItem, VectorStore } from "../../src/index.js";
import { fakeEmbedder } from "./fake_embedder.js";

const [file, count, more] = process.argv.slice(2);
const embedder = fakeEmbedder({ dims: 16 });
const store = await VectorStore.open(file!, { embedder, durability: "normal" });

function heap(): number {
  embedder.texts.length = 0;
  (globalThis as { gc?: () => void }).gc!();
  return process.memoryUsage().heapUsed;
}

let early = 0;
function* source(): Generator<AddItem> {
  for (let i = 0; i < Number(more); i++) {
    if (i % 1_000 === 0) embedder.texts.length = 0;
    if (i === Number(count)) early = heap();
    yield { id: `passage-number-${i}`, text: `Line ${[...String(i)].join(" ")} of a very long book.` };
  }
}

await store.add(source());
const late = heap();
await store.close();
console.log(JSON.stringify([early, late]));
