import { DatabaseSync } from "@photostructure/sqlite";
import { expect, it } from "vitest";
import { VectorStore } from "../../../src/index.js";
import { checksum } from "../../../src/storage/integrity.js";
import { fromSqlite } from "../../../src/storage/sqlite_errors.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile } from "../../support/store.js";

// Damage that leaves every row that is read whole: rows that are not found, and rows of another store.

const options = () => ({ embedder: fakeEmbedder({ dims: 16 }), keywords: true });

/** A store of 30 passages in which `sql` was done behind the library's back. */
async function tampered(sql: string): Promise<VectorStore> {
  const file = await temporaryFile();
  const store = await openStore(file, options());
  await store.add(items(30));
  await store.close();
  const driver = new DatabaseSync(file, { defensive: false });
  driver.exec(sql);
  driver.close();
  return await openStore(file, options());
}

async function codeOf(work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    return (error as { code?: string }).code;
  }
}

async function list(store: VectorStore): Promise<number> {
  let count = 0;
  for await (const _ of store.passages()) count++;
  return count;
}

const lost: [name: string, sql: string][] = [
  ["the last passage", "DELETE FROM passages WHERE node = 29"],
  ["a passage in the middle", "DELETE FROM passages WHERE node = 11"],
  ["all passages", "DELETE FROM passages"],
];

it.each(lost)("%s lost, though marked live, is CORRUPT to listings and searches", async (_, sql) => {
  const store = await tampered(sql);
  expect(await codeOf(() => list(store))).toBe("CORRUPT");
  expect(await codeOf(() => store.search("the river", { k: 30 }))).toBe("CORRUPT");
  expect((await store.verify()).ok).toBe(false);
});

it("a filter over a table that ends too early is CORRUPT", async () => {
  const store = await tampered("DELETE FROM passages WHERE node > 20");
  expect(await codeOf(() => store.count({ n: { $gte: 0 } }))).toBe("CORRUPT");
});

it("codes or live bits that are not all there are CORRUPT when the store is opened", async () => {
  for (const table of ["pending", "live_blocks"]) {
    expect(await codeOf(() => tampered(`DELETE FROM ${table}`))).toBe("CORRUPT");
  }
});

it.each([
  ["lost", "DELETE FROM id_buckets WHERE bucket = 0"],
  ["emptied", "UPDATE id_buckets SET entries = x'' WHERE bucket = 0"],
  ["shorter", "UPDATE id_buckets SET entries = substr(entries, 9) WHERE bucket = 0"],
])("with buckets of ids %s, no id is merely missing", async (_, sql) => {
  const store = await tampered(sql);
  const ids = ["p7", "p29", "nobody"];
  for (const id of ids)
    expect(await codeOf(() => store.has([id]).then(([has]) => has === (id !== "nobody")))).toBe("CORRUPT");
  for (const id of ids) expect(await codeOf(() => store.get([id]))).toBe("CORRUPT");
  expect(await codeOf(() => store.add(items(1, 40)))).toBe("CORRUPT");
  expect(await codeOf(() => store.delete({ ids }))).toBe("CORRUPT");
  expect(await list(store)).toBe(30);
  expect((await store.verify()).ok).toBe(false);
});

it("a row of another store is CORRUPT, whole as it is", async () => {
  const other = await temporaryFile();
  const second = await openStore(other, options());
  await second.add(items(30, 100).map((item, i) => ({ ...item, id: `p${i}` })));
  await second.close();
  const store = await tampered(`
    ATTACH '${other}' AS other;
    DELETE FROM passages WHERE node = 5;
    INSERT INTO passages SELECT * FROM other.passages WHERE node = 5;
  `);
  expect(await codeOf(() => store.get(["p5"]))).toBe("CORRUPT");
  expect((await store.verify()).problems.join("\n")).toContain("Row 5 of table passages");
});

it("a damaged salt is CORRUPT at once", async () => {
  expect(await codeOf(() => tampered("UPDATE meta SET value = '7' WHERE key = 'salt'"))).toBe("CORRUPT");
  expect(checksum({ salt: 1 }, "a", 1)).not.toBe(checksum({ salt: 2 }, "a", 1));
});

it.each([
  ["damaged", "UPDATE meta SET value = '7' WHERE key = 'salt'"],
  ["lost", "DELETE FROM meta WHERE key = 'salt'"],
])("of a %s salt a store is repaired: the passages tell what it was", async (_, sql) => {
  const file = await temporaryFile();
  const store = await openStore(file, options());
  await store.add(items(30));
  await store.close();
  const driver = new DatabaseSync(file);
  driver.exec(sql);
  driver.close();
  const { embedder } = options();
  expect(await VectorStore.repair(file, { embedder })).toMatchObject({ passages: 30, lost: [] });
  const repaired = await openStore(file, options());
  expect((await repaired.get(["p7"]))[0]?.text).toBe(items(30)[7]!.text);
});

it("words that are not those of the passages are found by verifying", async () => {
  for (const sql of [
    "DELETE FROM keywords WHERE rowid = 3; INSERT INTO keywords (rowid, words) VALUES (3, 'river')",
    "DELETE FROM keywords WHERE rowid = 3",
  ]) {
    const { problems } = await (await tampered(sql)).verify();
    expect(problems.join("\n")).toContain("The table keywords");
  }
});

it("a vector that damage turned into nothing is found by verifying", async () => {
  const file = await temporaryFile();
  const kept = { embedder: fakeEmbedder({ dims: 16 }), vectors: "float16" } as const;
  const store = await openStore(file, kept);
  await store.add(items(3));
  await store.close();
  const driver = new DatabaseSync(file, { defensive: false });
  // A table that may hold NULL, as the bytes of a damaged row may say.
  driver.exec(`CREATE TABLE loose (node INTEGER PRIMARY KEY, row BLOB, crc INTEGER) STRICT;
    INSERT INTO loose SELECT node, nullif(row, CASE node WHEN 0 THEN row END), crc FROM vectors;
    DROP TABLE vectors; ALTER TABLE loose RENAME TO vectors`);
  driver.close();
  const damaged = await openStore(file, kept);
  expect((await damaged.verify()).problems.join("\n")).toContain("Row 0 of table vectors");
});

it("a damaged description of a table is found by verifying, in its comments too", async () => {
  const store = await tampered(`
    PRAGMA writable_schema = ON;
    UPDATE sqlite_schema SET sql = replace(sql, 'name of a setting', 'game of a setting') WHERE name = 'meta';
  `);
  expect((await store.verify()).problems).toEqual(["The description of the table or index meta is damaged."]);
});

it("a damaged description of an index on metadata is found by verifying", async () => {
  const file = await temporaryFile();
  const store = await openStore(file, { ...options(), filterable: ["n"] });
  await store.add(items(3));
  expect((await store.verify()).problems).toEqual([]);
  await store.close();
  const driver = new DatabaseSync(file, { defensive: false });
  driver.exec(`PRAGMA writable_schema = ON;
    UPDATE sqlite_schema SET sql = replace(sql, 'INDEX', 'iNDEX') WHERE name LIKE 'passages_by_%'`);
  driver.close();
  const { problems } = await (await openStore(file, options())).verify();
  expect(problems.join("\n")).toMatch(/^The description of the index passages_by_\w+ is damaged\.$/);
});

it("a disk without room for the file that connections share is NO_SPACE", () => {
  const failure = Object.assign(new Error("disk I/O error"), { code: "ERR_SQLITE_ERROR", sqliteExtendedCode: 4874 });
  expect(fromSqlite(failure, "s.db")).toMatchObject({ code: "NO_SPACE" });
});
