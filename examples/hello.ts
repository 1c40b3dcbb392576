/** `node dist/examples/hello.js`: stores three passages and asks one question. */
import { VectorStore } from "embedless";

const store = await VectorStore.open("hello.db");
await store.add([
  { id: "ferry", text: "The last ferry to the island leaves at nine in the evening." },
  { id: "bread", text: "Let the dough rest for an hour before you bake the bread." },
  { id: "lynx", text: "Lynx are shy of people and hunt at dusk." },
]);
const { hits, cost } = await store.search("When does the boat go?", { k: 1 });
for (const { id, score, text } of hits) console.log(`${id}, score ${score.toFixed(3)}: ${text}`);
console.log(`passages embedded for this answer: ${cost.embedded} of ${await store.count()}`);
await store.close();
