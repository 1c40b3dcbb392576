import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Embedder, ListOptions, Metric, Passage, Records, Store } from "../../src/index.js";
import { type FakeEmbedderOptions, fakeEmbedder } from "./fake_embedder.js";
import type { RemoteAnswer, RemoteCall } from "./remote_store_child.js";

const PROGRAM = fileURLToPath(new URL("../../dist/test/support/remote_store_child.js", import.meta.url));

/** A store in another process: each method sends its arguments there, and gives what comes back. Functions stay here. */
export class RemoteStore implements Store {
  readonly path: string;
  readonly metric: Metric;
  readonly embedder: Embedder;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: RemoteAnswer) => void>();
  #calls = 0;

  private constructor(path: string, metric: Metric, embedder: Embedder, child: ChildProcess) {
    this.path = path;
    this.metric = metric;
    this.embedder = embedder;
    this.#child = child;
    child.on("message", (answer: RemoteAnswer) => this.#waiting.get(answer.n)?.(answer));
  }

  /** @param embedding Of the fake embedder that the other process embeds with. */
  static async start(path: string, embedding: FakeEmbedderOptions): Promise<RemoteStore> {
    const child = fork(PROGRAM, [path, JSON.stringify(embedding)], { serialization: "advanced" });
    const [first] = (await once(child, "message")) as [{ value: Metric }];
    return new RemoteStore(path, first.value, fakeEmbedder(embedding), child);
  }

  add: Store["add"] = async (items, options) => this.#call("add", [await all(items), data(options)]);
  search: Store["search"] = (query, options) => this.#call("search", [query, data(options)]);
  get: Store["get"] = (ids) => this.#call("get", [ids]);
  has: Store["has"] = (ids) => this.#call("has", [ids]);
  count: Store["count"] = (filter) => this.#call("count", [filter]);
  delete: Store["delete"] = (what) => this.#call("delete", [what]);
  stats: Store["stats"] = (options) => this.#call("stats", [data(options)]);
  compact: Store["compact"] = (options) => this.#call("compact", [data(options)]);
  verify: Store["verify"] = () => this.#call("verify", []);
  backup: Store["backup"] = (path, options) => this.#call("backup", [path, data(options)]);

  async *passages(options?: ListOptions): AsyncGenerator<Passage> {
    yield* await this.#call<Passage[]>("passages", [options]);
  }

  records(namespace: string): Records {
    const call = <T>(method: string, args: unknown[]) => this.#call<T>(method, args, namespace);
    return {
      namespace,
      time: () => call("time", []),
      update: (keys, options) => call("update", [keys, options]),
      exists: (keys) => call("exists", [keys]),
      list: (range, limit) => call("list", [range, limit]),
      delete: (keys) => call("delete", [keys]),
    };
  }

  async close(): Promise<void> {
    const exited = once(this.#child, "exit");
    await this.#call("close", []);
    await exited;
  }

  async #call<T>(method: string, args: unknown[], namespace?: string): Promise<T> {
    const n = ++this.#calls;
    const answered = new Promise<RemoteAnswer>((resolve) => this.#waiting.set(n, resolve));
    this.#child.send({ n, method, args, ...(namespace !== undefined && { namespace }) } satisfies RemoteCall);
    const answer = await answered;
    this.#waiting.delete(n);
    if ("error" in answer) throw Object.assign(new Error(answer.error.message), { code: answer.error.code });
    return answer.value as T;
  }
}

/** Options without signals and functions, which do not go to another process. */
function data<T extends object>(options: T | undefined): Partial<T> | undefined {
  if (options === undefined) return undefined;
  const kept = Object.entries(options).filter(([key, value]) => key !== "signal" && typeof value !== "function");
  return Object.fromEntries(kept) as Partial<T>;
}

async function all<T>(items: Iterable<T> | AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
