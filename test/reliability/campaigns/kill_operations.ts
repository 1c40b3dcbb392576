import type { AddItem, OpenOptions, VectorStore } from "../../../src/index.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { seeded } from "../../support/seeded.js";
import { texts } from "../../support/texts.js";

/** What a child does over and over until it is killed. */
export const KILL_KINDS = ["add", "delete", "compact with a graph", "compact without a graph", "backup"] as const;
export type KillKind = (typeof KILL_KINDS)[number];

/** What a child is told on its command line, as JSON. */
export interface KillTask {
  path: string;
  kind: KillKind;
  seed: number;
}

/** What a child tells, one JSON line each: it begins with operation `n`, it has done it. */
export type KillWord = { begin: number } | { done: number };

/** A store's passages: texts by id. */
export type Content = ReadonlyMap<string, string>;

const DIMS = 16;
/** From so many passages on a store has a codebook of its own. */
const TRAINING = 4_096;
/** Passages that are left of them, so that a trial is short. */
const STORED = 240;

export function killOptions(kind: KillKind): OpenOptions {
  const index = kind === "compact with a graph" ? "vamana" : "flat";
  return { embedder: fakeEmbedder({ dims: DIMS }), codes: { bytes: 24 }, index, lockTimeoutMs: 3_000 };
}

/** What is in every store before the child begins. */
export function firstItems(count = STORED): AddItem[] {
  return texts(count).map((text, i) => ({ id: `first-${i}`, text }));
}

/** Makes a store that holds just them. */
export async function fillStore(store: VectorStore): Promise<void> {
  const all = firstItems(TRAINING);
  await store.add(all);
  await store.delete({ ids: all.slice(STORED).map(({ id }) => id!) });
}

/** Where backups go. */
export const backupPath = (path: string) => `${path}.backup`;

/** One operation: what it does, and what it makes of the content. */
export interface Operation {
  name: string;
  run(store: VectorStore): Promise<unknown>;
  after(content: Content): Content;
}

/** The `n`-th operation of a child of that seed: the child runs it, the parent knows what must come of it. */
export function operation(kind: KillKind, seed: number, n: number): Operation {
  const random = seeded(seed * 7_919 + n);
  const count = 1 + Math.floor(random() * 60);
  switch (kind) {
    case "add":
      return adding(items(n, count, random));
    case "delete":
      return n % 2 === 0 ? adding(items(n, count, random)) : deleting(n, random);
    case "compact with a graph":
    case "compact without a graph":
      return [adding(items(n, count, random)), deleting(n, random), COMPACT][n % 3]!;
    case "backup":
      return n % 2 === 0 ? adding(items(n, count, random)) : BACKUP;
  }
}

const COMPACT: Operation = { name: "compact", run: (store) => store.compact(), after: (content) => content };
const BACKUP: Operation = {
  name: "backup",
  run: (store) => store.backup(backupPath(store.path), { overwrite: true }),
  after: (content) => content,
};

/** New passages, and some that take the place of those there are. */
function items(n: number, count: number, random: () => number): AddItem[] {
  return texts(count, 10_000 + 100 * n).map((text, i) => {
    const old = random() < 0.3;
    return { id: old ? `first-${4 * i + Math.floor(random() * 4)}` : `new-${n}-${i}`, text };
  });
}

function adding(batch: AddItem[]): Operation {
  return {
    name: "add",
    run: (store) => store.add(batch),
    after: (content) => new Map([...content, ...batch.map(({ id, text }) => [id!, text] as const)]),
  };
}

function deleting(n: number, random: () => number): Operation {
  const ids = new Set(Array.from({ length: 80 }, () => `first-${Math.floor(random() * STORED)}`));
  for (let i = 0; i < 20; i++) ids.add(`new-${n - 1}-${i}`);
  return {
    name: "delete",
    run: (store) => store.delete({ ids: [...ids] }),
    after: (content) => new Map([...content].filter(([id]) => !ids.has(id))),
  };
}
