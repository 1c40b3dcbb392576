import { type Store, VectorStore } from "../../src/index.js";
import { type FakeEmbedderOptions, fakeEmbedder } from "./fake_embedder.js";

/** A call of a store's method, or of its records'. */
export interface RemoteCall {
  n: number;
  method: string;
  args: unknown[];
  /** Set for a method of `records(namespace)`. */
  namespace?: string;
}

/** What it gave, or the error's message and code. */
export type RemoteAnswer = { n: number; value: unknown } | { n: number; error: { message: string; code: unknown } };

const [path, embedding] = process.argv.slice(2) as [string, string];
const embedder = fakeEmbedder(JSON.parse(embedding) as FakeEmbedderOptions);
const store: Store = await VectorStore.open(path, { embedder, durability: "normal" });

async function call({ method, args, namespace }: RemoteCall): Promise<unknown> {
  if (method === "passages") {
    const [options] = args as Parameters<Store["passages"]>;
    const all = [];
    for await (const passage of store.passages(options)) all.push(passage);
    return all;
  }
  const object = namespace === undefined ? store : store.records(namespace);
  return await (object as unknown as Record<string, (...args: unknown[]) => unknown>)[method]!(...args);
}

process.on("message", async (message: RemoteCall) => {
  const { n } = message;
  try {
    process.send!({ n, value: await call(message) } satisfies RemoteAnswer);
  } catch (thrown) {
    const { message, code } = thrown as Error & { code?: unknown };
    process.send!({ n, error: { message, code } } satisfies RemoteAnswer);
  }
  if (message.method === "close") process.disconnect();
});
process.send!({ n: 0, value: store.metric } satisfies RemoteAnswer);
