/**
 * A process that adds passages to a store in small writes, for tests of several processes:
 * `node writer.js <file> <name> <rounds> <per round> [id of the embedder]`. Prints one line a round once it is acknowledged.
 */
import { VectorStore } from "../../src/index.js";
import { fakeEmbedder } from "./fake_embedder.js";

const [file, name, rounds, perRound, id] = process.argv.slice(2);
const store = await VectorStore.open(file!, {
  embedder: fakeEmbedder(id === undefined ? {} : { id }),
  lockTimeoutMs: 30_000,
});
for (let round = 0; round < Number(rounds); round++) {
  const items = Array.from({ length: Number(perRound) }, (_, i) => ({
    id: `${name}-${round}-${i}`,
    text: `Writer ${name} wrote line ${i} of round ${round}.`,
  }));
  await store.add(items);
  console.log(JSON.stringify({ name, round }));
}
await store.close();
