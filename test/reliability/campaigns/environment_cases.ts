import { chmodSync, mkdirSync, renameSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { type OpenOptions, VectorStore } from "../../../src/index.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { texts } from "../../support/texts.js";

/** Something that can be the matter with a file, and how using it may end: `works` or codes of errors. */
export interface EnvironmentCase {
  name: string;
  may: readonly string[];
  /** @param folder A new one that this process owns. */
  run(folder: string): Promise<unknown>;
}

const COUNT = 20;
const open = (path: string, options: OpenOptions = {}) =>
  VectorStore.open(path, { embedder: fakeEmbedder({ dims: 16 }), lockTimeoutMs: 500, ...options });

async function make(path: string): Promise<string> {
  mkdirSync(dirname(path), { recursive: true });
  const store = await open(path);
  await store.add(texts(COUNT).map((text, i) => ({ id: `p${i}`, text })));
  await store.close();
  return path;
}

/** Opens, reads and searches; with `change` it writes too. */
async function use(path: string, { change, ...options }: OpenOptions & { change?: boolean } = {}): Promise<void> {
  const store = await open(path, options);
  try {
    await useOpen(store, change);
  } finally {
    await store.close();
  }
}

async function useOpen(store: VectorStore, change = false): Promise<void> {
  const [first] = await store.get(["p3"]);
  if (first?.text !== texts(COUNT)[3]) throw new Error(`p3 is ${JSON.stringify(first)}`);
  const { hits } = await store.search(texts(COUNT)[3]!, { k: 1 });
  if (hits[0]?.id !== "p3") throw new Error(`p3 is not found, but ${JSON.stringify(hits[0])}`);
  if (change) await store.add([{ id: "new", text: "One passage more." }]);
}

/** Uses a store whose file something happens to while it is open. */
async function whileOpen(path: string, happens: () => void): Promise<void> {
  const store = await open(await make(path));
  try {
    await useOpen(store);
    happens();
    await useOpen(store, true);
  } finally {
    await store.close().catch((error: { code?: string }) => {
      if (error.code === undefined || error.code.startsWith("ERR_")) throw error;
    });
  }
}

/** With other rights on a file or folder, which are given back afterwards so that it can be removed. */
async function withRights(mode: number, path: string, work: () => Promise<unknown>): Promise<void> {
  const before = statSync(path).mode;
  chmodSync(path, mode);
  try {
    await work();
  } finally {
    chmodSync(path, before);
  }
}

const WORKS = ["works"];
const NAMES = [
  "with spaces",
  "Zwölf Öfen 日本語 🦜",
  "100%?#&=+;",
  `"quotes' and \\ back`,
  "line\nbreak",
  "-dash",
  "%2e%2e",
];

const names: EnvironmentCase[] = NAMES.map((name) => ({
  name: `file and folder named ${JSON.stringify(name)}, and a backup`,
  may: WORKS,
  async run(folder) {
    const path = await make(join(folder, name, `${name}.db`));
    await use(path, { change: true });
    const store = await open(path);
    await store.backup(join(folder, name, `${name} 2.db`));
    await store.close();
    await use(join(folder, name, `${name} 2.db`), { change: true });
  },
}));

const rights: EnvironmentCase[] = [
  {
    name: "a read-only file is read",
    may: WORKS,
    run: async (folder) => {
      const path = await make(join(folder, "s.db"));
      await withRights(0o444, path, () => use(path));
    },
  },
  {
    name: "a read-only file is not written",
    may: ["READONLY"],
    run: async (folder) => {
      const path = await make(join(folder, "s.db"));
      await withRights(0o444, path, () => use(path, { change: true }));
    },
  },
  {
    name: "a read-only file in a read-only folder is read",
    may: WORKS,
    run: async (folder) => {
      const path = await make(join(folder, "in", "s.db"));
      await withRights(0o444, path, () => withRights(0o555, dirname(path), () => use(path)));
    },
  },
  {
    name: "a file in a read-only folder is read, or refused",
    may: ["works", "IO", "READONLY"],
    run: async (folder) => {
      const path = await make(join(folder, "in", "s.db"));
      await withRights(0o555, dirname(path), () => use(path));
    },
  },
  {
    name: "a file in a read-only folder is read with readOnly",
    may: WORKS,
    run: async (folder) => {
      const path = await make(join(folder, "in", "s.db"));
      await withRights(0o555, dirname(path), () => use(path, { readOnly: true }));
    },
  },
  {
    name: "a new store in a read-only folder",
    may: ["IO"],
    run: (folder) => withRights(0o555, folder, () => open(join(folder, "s.db"))),
  },
  {
    name: "a backup into a read-only folder",
    may: ["IO"],
    run: async (folder) => {
      const store = await open(await make(join(folder, "s.db")));
      mkdirSync(join(folder, "in"));
      const backup = () => store.backup(join(folder, "in", "copy.db"));
      await withRights(0o555, join(folder, "in"), backup).finally(() => store.close());
    },
  },
  {
    name: "a file without any rights",
    may: ["IO"],
    run: async (folder) => {
      const path = await make(join(folder, "s.db"));
      await withRights(0o000, path, () => use(path));
    },
  },
  {
    name: "a folder without any rights",
    may: ["IO"],
    run: async (folder) => {
      const path = await make(join(folder, "in", "s.db"));
      await withRights(0o000, dirname(path), () => use(path));
    },
  },
];

const places: EnvironmentCase[] = [
  { name: "a folder in the file's place", may: ["IO"], run: (folder) => use(folder) },
  { name: "a missing folder", may: ["NOT_FOUND"], run: (folder) => use(join(folder, "none", "s.db")) },
  {
    name: "a file in the folder's place",
    may: ["IO"],
    run: (folder) => {
      writeFileSync(join(folder, "file"), "text");
      return use(join(folder, "file", "s.db"));
    },
  },
  {
    name: "a missing file, with create: false",
    may: ["NOT_FOUND"],
    run: (folder) => use(join(folder, "s.db"), { create: false }),
  },
  { name: "a device", may: ["IO"], run: () => use("/dev/null") },
  {
    name: "a file of text",
    may: ["NOT_A_STORE"],
    run: (folder) => useContent(folder, "This is no database. ".repeat(900)),
  },
  { name: "a file of one byte", may: ["NOT_A_STORE"], run: (folder) => useContent(folder, "x") },
  { name: "an empty file, with create: false", may: ["NOT_A_STORE"], run: (folder) => useContent(folder, "") },
  {
    name: "another program's database",
    may: ["NOT_A_STORE"],
    run: (folder) => {
      const driver = new DatabaseSync(join(folder, "s.db"));
      driver.exec("CREATE TABLE passages (id)");
      driver.close();
      return use(join(folder, "s.db"));
    },
  },
  { name: "a file name of 230 bytes", may: WORKS, run: (folder) => makeAndUse(join(folder, `${"n".repeat(227)}.db`)) },
  {
    name: "a file name of 252 bytes, too long for its log",
    may: ["IO"],
    run: (folder) => makeAndUse(join(folder, "n".repeat(252))),
  },
  { name: "a file name of 300 bytes", may: ["IO"], run: (folder) => makeAndUse(join(folder, "n".repeat(300))) },
  { name: "a path of 400 bytes", may: WORKS, run: (folder) => makeAndUse(deep(folder, 400)) },
  {
    name: "a path of 1,500 bytes, which SQLite cannot open",
    may: ["works", "IO"],
    run: (folder) => makeAndUse(deep(folder, 1_500)),
  },
  {
    name: "a path of 5,000 bytes",
    may: ["IO", "NOT_FOUND"],
    run: (folder) => use(`${folder}${"/folder".repeat(715)}/s.db`),
  },
];

const links: EnvironmentCase[] = [
  {
    name: "a link to a file, changed by both names",
    may: WORKS,
    run: async (folder) => {
      const path = await make(join(folder, "in", "s.db"));
      symlinkSync(path, join(folder, "link.db"));
      await use(join(folder, "link.db"), { change: true });
      await use(path, { change: true });
    },
  },
  {
    name: "a link to a folder",
    may: WORKS,
    run: async (folder) => {
      await make(join(folder, "in", "s.db"));
      symlinkSync(join(folder, "in"), join(folder, "link"));
      await use(join(folder, "link", "s.db"), { change: true });
    },
  },
  {
    name: "a link that leads nowhere",
    may: ["works", "IO", "NOT_FOUND"],
    run: (folder) => {
      symlinkSync(join(folder, "nothing.db"), join(folder, "s.db"));
      return makeAndUse(join(folder, "s.db"));
    },
  },
  {
    name: "a link to itself",
    may: ["IO"],
    run: (folder) => {
      symlinkSync(join(folder, "s.db"), join(folder, "s.db"));
      return use(join(folder, "s.db"));
    },
  },
];

const REFUSED_OR_NOT = ["works", "IO", "READONLY", "CORRUPT", "NOT_A_STORE", "LOCKED"];
const meanwhile: EnvironmentCase[] = (
  [
    ["removed", (path) => rmSync(path)],
    ["removed with its log", (path) => ["", "-wal", "-shm"].map((suffix) => rmSync(path + suffix))],
    ["renamed", (path) => renameSync(path, `${path}.old`)],
    ["replaced by a folder", (path) => [rmSync(path), mkdirSync(path)]],
    ["removed with its folder", (path) => rmSync(dirname(path), { recursive: true })],
    ["emptied", (path) => truncateSync(path, 0)],
    ["cut to half its size", (path) => truncateSync(path, statSync(path).size / 2)],
    ["overwritten with text", (path) => writeFileSync(path, "text ".repeat(20_000))],
    ["made read-only", (path) => chmodSync(path, 0o444)],
  ] as [string, (path: string) => unknown][]
).map(([what, happens]) => ({
  name: `the file is ${what} while it is open`,
  may: REFUSED_OR_NOT,
  run: (folder) => {
    const path = join(folder, "in", "s.db");
    return whileOpen(path, () => happens(path));
  },
}));

/** Everything that is tried. */
export const ENVIRONMENT_CASES: readonly EnvironmentCase[] = [...names, ...rights, ...places, ...links, ...meanwhile];

async function useContent(folder: string, content: string): Promise<void> {
  writeFileSync(join(folder, "s.db"), content);
  await use(join(folder, "s.db"), { create: false });
}

async function makeAndUse(path: string): Promise<void> {
  await make(path);
  await use(path, { change: true });
}

/** A file in so many folders that its path is about so long. */
function deep(folder: string, bytes: number): string {
  const part = `/${"folder".repeat(8)}`;
  return `${folder}${part.repeat(Math.max(0, Math.floor((bytes - folder.length - 5) / part.length)))}/s.db`;
}
