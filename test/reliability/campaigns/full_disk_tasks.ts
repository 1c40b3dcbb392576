import { createHash } from "node:crypto";
import { type AddItem, type OpenOptions, VectorStore } from "../../../src/index.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { texts } from "../../support/texts.js";

/** What is tried with too little space. */
export const FULL_KINDS = ["create", "add", "delete", "compact", "backup"] as const;
export type FullKind = (typeof FULL_KINDS)[number];

/** How an attempt ended, and what the store held then (`contentOf`) as far as it could be opened. */
export interface Outcome {
  error?: string;
  message?: string;
  content?: string;
}

/** One thing to do, and what a store holds before and after it. */
interface FullTask {
  prepare(path: string): Promise<void>;
  run(store: VectorStore): Promise<unknown>;
  before: string;
  after: string;
}

export function fullOptions(): OpenOptions {
  return { embedder: fakeEmbedder({ dims: 32 }), vectors: "float16", index: "vamana", lockTimeoutMs: 1_000 };
}

const named = (from: number, count: number): AddItem[] =>
  texts(count, from).map((text, i) => ({ id: `p${from + i}`, text }));
const FIRST = named(0, 300);
const MORE = named(1_000, 400);
const GONE = FIRST.filter((_, i) => i % 3 === 0);

export function task(kind: FullKind): FullTask {
  const prepare = async (path: string) => {
    const store = await VectorStore.open(path, fullOptions());
    await store.add(FIRST);
    await store.close();
  };
  const first = digest(FIRST);
  switch (kind) {
    case "create":
      return { prepare, run: (store) => store.add(MORE), before: digest([]), after: digest(MORE) };
    case "add":
      return { prepare, run: (store) => store.add(MORE), before: first, after: digest([...FIRST, ...MORE]) };
    case "delete": {
      const after = digest(FIRST.filter((item) => !GONE.includes(item)));
      return { prepare, run: (store) => store.delete({ ids: GONE.map(({ id }) => id!) }), before: first, after };
    }
    case "compact":
      return { prepare, run: (store) => store.compact(), before: first, after: first };
    case "backup": {
      const run = (store: VectorStore) => store.backup(`${store.path}.backup`, { overwrite: true });
      return { prepare, run, before: first, after: first };
    }
  }
}

/** Names what a store holds: how many passages, and which. */
export async function contentOf(store: VectorStore): Promise<string> {
  const all: AddItem[] = [];
  for await (const { id, text } of store.passages()) all.push({ id, text });
  return digest(all);
}

function digest(items: readonly AddItem[]): string {
  const lines = items.map(({ id, text }) => `${id} ${text}`).sort();
  return `${lines.length} passages ${createHash("sha256").update(lines.join("\n")).digest("hex").slice(0, 12)}`;
}
