import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach } from "vitest";
import { type AddItem, type OpenOptions, VectorStore } from "../../src/index.js";
import { texts } from "./texts.js";

export { texts };

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

/** The same as items with ids `p0`, `p1`, ... */
export function items(count: number, from = 0): AddItem[] {
  return texts(count, from).map((text, i) => ({ id: `p${i + from}`, text, metadata: { n: i + from } }));
}
