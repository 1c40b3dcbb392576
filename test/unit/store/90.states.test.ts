// Every public method of a store and of its records, in every state a store can be in: a defined outcome, no hang, no
// rejection that nobody hears, and the file is sound afterwards. A method without a row fails the first test.

import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { VectorStore } from "../../../src/index.js";
import { StoredRecords } from "../../../src/passage/records.js";
import { Database } from "../../../src/storage/database.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, temporaryFile, texts } from "../../support/store.js";

/** What a call comes to: it works, perhaps after waiting, or it fails with this code. */
type Outcome = "works" | "CLOSED" | "LOCKED" | "IO" | "READONLY";
type State = keyof typeof STATES;

interface Scene {
  store: VectorStore;
  file: string;
}

/** Brings a fresh store into a state; answers how the work that makes it so must end, and what ends the state. */
interface Staged {
  work?: Promise<unknown>;
  /** How `work` ends if the method of the cell does not end it: `works` unless said. */
  workEnds?: "ABORTED";
  end?: () => unknown;
}

const STATES = {
  open: async (): Promise<Staged> => ({}),
  /** Another call adds passages; its embedder is slow. */
  adding: async ({ store }: Scene): Promise<Staged> => ({ work: store.add(items(20, 500)) }),
  /** Another call adds what a source gives that has stopped giving. */
  stalled: async ({ store }: Scene): Promise<Staged> => ({ work: store.add(stalling()), workEnds: "ABORTED" }),
  /** Another call searches. */
  searching: async ({ store }: Scene): Promise<Staged> => ({ work: store.search("What is at the harbour?") }),
  /** Another process is in the middle of a write, for longer than this one waits. */
  locked: async ({ file }: Scene): Promise<Staged> => {
    const other = new DatabaseSync(file);
    other.exec("BEGIN IMMEDIATE");
    return { end: () => other.close() };
  },
  readOnly: async (): Promise<Staged> => ({}),
  /** `close` was called and waits for an `add` that it stopped. */
  closing: async ({ store }: Scene): Promise<Staged> => {
    const work = store.add(items(20, 500));
    const closed = store.close();
    return { work, workEnds: "ABORTED", end: () => closed };
  },
  closed: async ({ store }: Scene): Promise<Staged> => {
    await store.close();
    return {};
  },
  /** The disk failed to confirm a write: what the file holds is no longer known for sure. */
  failed: async ({ store }: Scene): Promise<Staged> => {
    const write = Database.prototype.write;
    const failure = Object.assign(new Error("disk I/O error"), { code: "ERR_SQLITE_ERROR", sqliteExtendedCode: 1034 });
    const spy = vi.spyOn(Database.prototype, "write").mockImplementationOnce(function (this: Database, _, options) {
      return write.call(this, () => Promise.reject(failure), options) as never;
    });
    await expect(store.delete({ ids: ["p1"] })).rejects.toMatchObject({ code: "IO" });
    spy.mockRestore();
    return {};
  },
} as const;

const names = Object.keys(STATES) as State[];

/** The same outcome in all states but those named. */
function outcomes(others: Partial<Record<State, Outcome>>, rest: Outcome = "works"): Record<State, Outcome> {
  return Object.fromEntries(names.map((state) => [state, others[state] ?? rest])) as Record<State, Outcome>;
}

const always = outcomes({});
const reads = outcomes({ closing: "CLOSED", closed: "CLOSED" });
const writes = outcomes({ locked: "LOCKED", readOnly: "READONLY", closing: "CLOSED", closed: "CLOSED", failed: "IO" });
/** Needs the file for itself. */
const exclusive = outcomes({ closed: "works" }, "LOCKED");

type Row = [call: (scene: Scene) => unknown, expected: Record<State, Outcome>];

const STORE: Record<string, Row> = {
  path: [({ store }) => store.path, always],
  metric: [({ store }) => store.metric, always],
  embedder: [({ store }) => store.embedder, always],
  add: [({ store }) => store.add(items(2, 900)), writes],
  search: [({ store }) => store.search(texts(1)[0]!), reads],
  get: [({ store }) => store.get(["p1"]), reads],
  has: [({ store }) => store.has(["p1"]), reads],
  count: [({ store }) => store.count({ n: 3 }), reads],
  passages: [({ store }) => all(store.passages()), reads],
  delete: [({ store }) => store.delete({ ids: ["p2"] }), writes],
  records: [({ store }) => store.records("notes"), always],
  stats: [({ store }) => store.stats(), reads],
  compact: [({ store }) => store.compact(), writes],
  verify: [({ store }) => store.verify(), reads],
  backup: [({ store, file }) => store.backup(`${file}.copy`), reads],
  close: [({ store }) => store.close(), always],
};

const RECORDS: Record<string, Row> = {
  time: [({ store }) => store.records("notes").time(), reads],
  update: [({ store }) => store.records("notes").update(["p1"]), writes],
  exists: [({ store }) => store.records("notes").exists(["p1"]), reads],
  list: [({ store }) => store.records("notes").list(), reads],
  delete: [({ store }) => store.records("notes").delete(["p1"]), writes],
};

/** Functions of the class itself, which belong to no store. */
const STATIC: Record<string, Row> = {
  open: [async ({ file }) => (await VectorStore.open(file, { embedder: fakeEmbedder() })).close(), always],
  repair: [({ file }) => VectorStore.repair(file, { embedder: fakeEmbedder() }), exclusive],
  plan: [() => VectorStore.plan({ passages: 10, bytesPerPassage: 64, embedder: fakeEmbedder() }), always],
};

async function* stalling() {
  yield* items(2, 700);
  await new Promise(() => {});
}

async function all(listing: AsyncIterable<unknown>): Promise<unknown[]> {
  const found = [];
  for await (const one of listing) found.push(one);
  return found;
}

async function outcomeOf(call: () => unknown): Promise<string> {
  const hangs = new Promise<string>((resolve) => setTimeout(resolve, 10_000, "hangs").unref());
  const made = (async () => {
    await call();
    return "works";
  })();
  return await Promise.race([hangs, made.catch((error) => String((error as { code?: unknown }).code ?? error))]);
}

let folder: string;
const unheard: unknown[] = [];
const hear = (reason: unknown) => unheard.push(reason);

beforeAll(async () => {
  process.on("unhandledRejection", hear);
  folder = await mkdtemp(path.join(tmpdir(), "embedless-test-"));
  const maker = await VectorStore.open(path.join(folder, "template.db"), { embedder: fakeEmbedder(), index: "hnsw" });
  await maker.add(items(30)); // its graph waits for a compact
  await maker.close();
});
afterAll(async () => {
  process.off("unhandledRejection", hear);
  await rm(folder, { recursive: true });
});

/** A store of 30 passages in a file of its own. */
async function scene(state: State): Promise<Scene> {
  const file = await temporaryFile();
  await copyFile(path.join(folder, "template.db"), file);
  const options = { embedder: fakeEmbedder({ delayMs: 15 }), lockTimeoutMs: 60, readOnly: state === "readOnly" };
  const store = await VectorStore.open(file, options);
  onTestFinished(() => store.close());
  return { store, file };
}

test("the grid has a row for every public method", () => {
  const methods = (prototype: object) => Object.getOwnPropertyNames(prototype).filter((name) => name !== "constructor");
  const functions = Object.getOwnPropertyNames(VectorStore).filter(
    (name) => typeof Object.getOwnPropertyDescriptor(VectorStore, name)!.value === "function",
  );
  expect(Object.keys(STORE).sort()).toEqual(methods(VectorStore.prototype).sort());
  expect(Object.keys(RECORDS).sort()).toEqual(methods(StoredRecords.prototype).sort());
  expect(Object.keys(STATIC).sort()).toEqual(functions.sort());
});

describe.each(names)("a store that is %s", (state) => {
  const rows = [STORE, RECORDS, STATIC].flatMap((table, i) =>
    Object.entries(table).map(
      ([name, [call, expected]]) => [["", "records ", "static "][i] + name, call, expected[state], name] as const,
    ),
  );
  test.each(rows)("%s", async (label, call, expected) => {
    const set = await scene(state);
    const { work, workEnds, end } = await STATES[state](set);
    const ended = work === undefined ? undefined : outcomeOf(() => work);
    expect(await outcomeOf(() => call(set))).toBe(expected);
    if (state === "stalled") await set.store.close();
    if (ended) expect(await ended).toBe(workEnds ?? (label === "close" ? "ABORTED" : "works"));
    await end?.();
    await set.store.close();
    expect(unheard).toEqual([]);
    const again = await VectorStore.open(set.file, { embedder: fakeEmbedder() });
    expect(await again.verify()).toMatchObject({ ok: true });
    await again.close();
  });
});
