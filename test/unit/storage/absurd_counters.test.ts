import { readFile, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { ERROR_CODES, type OpenOptions, type VectorStore } from "../../../src/index.js";
import { type Cell, checksum } from "../../../src/storage/integrity.js";
import { VectorStore as Store } from "../../../src/store/vector_store.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile } from "../../support/store.js";
import { tamper } from "./temporary_store.js";

/** Numbers that are no mistake of a bit but of somebody who wants a reader to loop or to ask for memory. */
const ABSURD = [2 ** 32 - 1, 1e10];

const kinds: Record<string, OpenOptions> = {
  codes: { codes: "lvq8", keywords: true, filterable: ["n"] },
  "a graph alone": { codes: "none", index: "vamana" },
};
const options = (kind: string) => ({
  ...kinds[kind],
  embedder: fakeEmbedder({ dims: 16 }),
  durability: "normal" as const,
});

/** The bytes of a sound store; made once. */
const sound = new Map<string, Promise<Buffer>>();

async function makeSound(kind: string): Promise<Buffer> {
  const file = await temporaryFile();
  const store = await openStore(file, options(kind));
  await store.add(items(100));
  await store.compact();
  await store.delete({ ids: ["p3"] });
  await store.records("book").update(["p1"]);
  await store.close();
  return await readFile(file);
}

/** A store's file with a row changed and its checksum right. */
async function crafted(kind: string, change: (write: Write) => void): Promise<string> {
  const making = sound.get(kind) ?? makeSound(kind);
  sound.set(kind, making);
  const file = await temporaryFile();
  await writeFile(file, await making);
  tamper(file, (raw) => {
    const salt = Number((raw.prepare("SELECT value FROM meta WHERE key = 'salt'").get() as { value: string }).value);
    change((table, columns, ...cells) => {
      const crc = checksum({ salt }, table, ...cells);
      const marks = [...cells, crc].map(() => "?").join(", ");
      raw.prepare(`INSERT OR REPLACE INTO ${table} (${columns}, crc) VALUES (${marks})`).run(...cells, crc);
    });
  });
  return file;
}

type Write = (table: string, columns: string, ...cells: Cell[]) => void;
const meta = (key: string, value: unknown) => (write: Write) => write("meta", "key, value", key, JSON.stringify(value));

/** Does everything with a store; answers the codes of what failed. */
async function useAll(file: string, kind: string): Promise<string[]> {
  const failures: string[] = [];
  const attempt = async (work: () => Promise<unknown>) => {
    await work().catch((error: { code?: string; message: string }) => {
      failures.push(String(error.code));
      if (error.code === "CORRUPT") expect(error.message).toMatch(/Row .* of table \w+ |codes|graph/);
    });
  };
  let store: VectorStore | undefined;
  await attempt(async () => {
    store = await openStore(file, { ...options(kind), create: false });
  });
  const open = store;
  if (open) {
    await attempt(() => open.search("a river", { k: 3 }));
    await attempt(() => open.count({ n: { $gt: 3 } }));
    await attempt(() => open.get(["p1", "nobody"]));
    await attempt(() => open.add(items(3, 500)));
    await attempt(() => open.delete({ filter: { n: { $lt: 60 } } }));
    await attempt(() => open.records("book").update(["p2"]));
    await attempt(() => open.compact());
    await attempt(() => open.stats());
    await attempt(() => open.delete({ all: true }));
    await open.close();
  }
  await attempt(() => Store.repair(file, { embedder: options(kind).embedder }));
  for (const code of failures) expect(ERROR_CODES).toContain(code);
  return failures;
}

describe.each(Object.keys(kinds))(
  "a store of %s with absurd numbers ends every call soon, with an answer or a code",
  (kind) => {
    it.each(["passages", "nextNode", "idBuckets", "dims"])("meta.%s", async (key) => {
      for (const value of ABSURD) {
        const failures = await useAll(await crafted(kind, meta(key, value)), kind);
        expect(failures, `${key} ${value}`).not.toEqual([]);
      }
    });

    it.each(["version", "numbering"])("meta.%s, which sizes nothing", async (key) => {
      await useAll(await crafted(kind, meta(key, 2 ** 48)), kind);
    });

    it.each(["passages", "nextNode", "rawBytes", "textBytes", "idBuckets"])("too small a meta.%s", async (key) => {
      await useAll(await crafted(kind, meta(key, 1)), kind);
    });
  },
);

it.each([
  ["passages", "node, id, dict, hash, metadata, text"],
  ["live_blocks", "block, bits, version"],
])("a row of %s far behind the others is not walked to", async (table, columns) => {
  for (const place of [2 ** 31, 2 ** 52]) {
    const file = await crafted("codes", (write) => {
      if (table === "passages") write(table, columns, place, "far", null, new Uint8Array(8), null, Buffer.from("far"));
      else write(table, columns, place, new Uint8Array(512).fill(255), 3);
    });
    expect((await useAll(file, "codes")).length).toBeLessThan(20);
  }
});

it("a record of a time that never comes is named, and stops no other store's clock", async () => {
  const columns = "namespace, key, group_id, updated";
  const file = await crafted("codes", (write) => write("records", columns, "book", "p9", null, 2 ** 53 - 1));
  const store = await openStore(file, options("codes"));
  await expect(store.records("book").update(["p1"])).rejects.toMatchObject({ code: "CORRUPT" });
  const other = await openStore(await temporaryFile(), options("codes"));
  await other.add(items(2));
  await other.records("book").update(["p0"]);
  await other.records("book").update(["p1"]);
  expect(await other.records("book").list({ before: Date.now() + 1e6 })).toEqual(["p0", "p1"]);
});
