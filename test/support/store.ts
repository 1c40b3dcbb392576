import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach } from "vitest";
import { type AddItem, type OpenOptions, VectorStore } from "../../src/index.js";

const open: VectorStore[] = [];
const folders: string[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((store) => store.close()));
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
});

/** The name of a file in a temporary folder that is removed after the test. */
export async function temporaryFile(name = "store.db"): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "embedless-test-"));
  folders.push(folder);
  return path.join(folder, name);
}

/** Opens a store that is closed after the test. */
export async function openStore(file: string, options: OpenOptions): Promise<VectorStore> {
  const store = await VectorStore.open(file, options);
  open.push(store);
  return store;
}

const SUBJECTS = [
  "river",
  "engine",
  "violin",
  "contract",
  "glacier",
  "protein",
  "harbour",
  "kernel",
  "orchard",
  "comet",
];
const VERBS = [
  "crosses",
  "repairs",
  "describes",
  "measures",
  "follows",
  "freezes",
  "compiles",
  "signs",
  "ripens",
  "hides",
];
const PLACES = [
  "at dawn",
  "in winter",
  "under pressure",
  "by the sea",
  "in court",
  "on paper",
  "without noise",
  "twice",
];

/** `count` different short texts about related things: the same for every call. */
export function texts(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, n) => {
    const i = n + from;
    const subject = SUBJECTS[i % 10]!;
    const object = SUBJECTS[(i * 7 + Math.floor(i / 10)) % 10]!;
    return `The ${subject} ${VERBS[Math.floor(i / 3) % 10]} the ${object} ${PLACES[Math.floor(i / 7) % 8]}, case ${i}.`;
  });
}

/** The same as items with ids `p0`, `p1`, ... */
export function items(count: number, from = 0): AddItem[] {
  return texts(count, from).map((text, i) => ({ id: `p${i + from}`, text, metadata: { n: i + from } }));
}
