import { writeFileSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { VectorStore } from "../../../src/index.js";
import { Connection } from "../../../src/storage/connection.js";
import { isMetadataIndex, isPlain, newSchema } from "../../../src/storage/known_schema.js";
import { MIGRATIONS } from "../../../src/storage/schema.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile } from "../../support/store.js";
import { tamper } from "./temporary_store.js";

afterEach(() => void vi.restoreAllMocks());

const options = () => ({ embedder: fakeEmbedder({ dims: 16 }), filterable: ["n", 'it\'s "odd".\\$x'], keywords: true });

/** The file of a store with everything in its schema, changed by these statements. */
async function tampered(sql: string): Promise<string> {
  const file = await temporaryFile();
  const store = await openStore(file, options());
  await store.add(items(20));
  await store.close();
  tamper(file, (raw) => {
    raw.enableDefensive(false);
    raw.exec(sql);
  });
  return file;
}

/** Rewrites the description of a table. */
const described = (name: string, from: string, to: string) => `PRAGMA writable_schema = ON;
  UPDATE sqlite_schema SET sql = replace(sql, '${from}', '${to}') WHERE name = '${name}' AND instr(sql, '${from}');
  SELECT 1 / changes()`;

/** What SQLite would run, for ever or at the cost of all memory, when the store is read or written. */
const hostile: [what: string, sql: string, named: string][] = [
  [
    "a generated column",
    described("passages", "text BLOB NOT NULL", "text BLOB AS (zeroblob(900000000)) NOT NULL"),
    "passages",
  ],
  [
    "a generated column of meta",
    described("meta", "value TEXT NOT NULL,", "value TEXT AS (hex(zeroblob(400000000))) NOT NULL,"),
    "meta",
  ],
  [
    "a default that is an expression",
    described("pending", "row BLOB NOT NULL", "row BLOB DEFAULT (zeroblob(9))"),
    "pending",
  ],
  [
    "a condition",
    described("passages", "dict INTEGER,", "dict INTEGER CHECK (length(hex(zeroblob(900000000))) > 1),"),
    "passages",
  ],
  ["a reference", described("records", "group_id TEXT,", "group_id TEXT REFERENCES meta(key),"), "records"],
  ["an order of another kind", described("records", "group_id TEXT,", "group_id TEXT COLLATE NOCASE,"), "records"],
  ["a trigger", "CREATE TRIGGER evil AFTER INSERT ON pending BEGIN DELETE FROM passages; END", "evil"],
  ["a view", "CREATE VIEW evil AS SELECT * FROM passages", "evil"],
  ["a table of a module", "CREATE VIRTUAL TABLE evil USING fts5(x)", "evil"],
  ["an index on an expression", "CREATE INDEX evil ON passages (hex(zeroblob(length(text))))", "evil"],
  ["a partial index", "CREATE INDEX evil ON meta (key) WHERE value > 'x'", "evil"],
  [
    "an index that bears the name of one on metadata",
    "CREATE INDEX passages_by_0123456789abcdef ON passages (length(metadata))",
    "passages_by_0123456789abcdef",
  ],
  ["other words", described("keywords", "fts5(", "fts5( more,"), "keywords"],
];

/** What SQLite does no harm with, and no store has. */
const strange: [what: string, sql: string, named: string][] = [
  ["a table", "CREATE TABLE notes (a, b TEXT)", "notes"],
  ["an index on columns", "CREATE INDEX mine ON passages (id)", "mine"],
  ["statistics", "ANALYZE", "sqlite_stat1"],
];

describe("a file that describes more than a store", () => {
  it.each([...hostile, ...strange])("%s: is not opened, and no table of it is read", async (_, sql, named) => {
    const file = await tampered(sql);
    newSchema(MIGRATIONS, true); // what the file is compared with is made once, in memory
    const statements: string[] = [];
    for (const method of ["get", "all", "run"] as const) {
      const original = Connection.prototype[method] as (sql: string, ...rest: never[]) => unknown;
      vi.spyOn(Connection.prototype, method).mockImplementation(function (this: Connection, sql: string, ...rest) {
        statements.push(sql);
        return original.call(this, sql, ...(rest as never[])) as never;
      });
    }
    for (const readOnly of [false, true]) {
      await expect(VectorStore.open(file, { ...options(), readOnly })).rejects.toMatchObject({
        code: "CORRUPT",
        message: expect.stringContaining(named),
      });
    }
    expect(statements.filter((sql) => !/^PRAGMA|sqlite_schema/.test(sql))).toEqual([]);
  });

  it.each(hostile)("%s: is not repaired either", async (_, sql) => {
    const file = await tampered(sql);
    await expect(VectorStore.repair(file, { embedder: fakeEmbedder({ dims: 16 }) })).rejects.toMatchObject({
      code: "CORRUPT",
    });
  });

  it.each(strange)("%s: repair leaves it out", async (_, sql, named) => {
    const file = await tampered(sql);
    const { embedder } = options();
    const result = await VectorStore.repair(file, { embedder });
    expect(result).toMatchObject({ passages: 20, lost: [] });
    expect(result.problems.join("\n")).toContain(named);
    const store = await openStore(file, options());
    expect((await store.verify()).problems).toEqual([]);
  });

  it("a thousand tables, or one described at length, are too much", async () => {
    const many = Array.from({ length: 1_000 }, (_, i) => `CREATE TABLE t${i} (a);`).join("");
    for (const sql of [many, `CREATE TABLE t (a, ${"b".repeat(40_000)})`]) {
      const file = await tampered(sql);
      await expect(openStore(file, options())).rejects.toMatchObject({ code: "CORRUPT" });
    }
  });
});

it("looks at a schema with five statements, however much there is in it", async () => {
  const file = await temporaryFile();
  const paths = Array.from({ length: 32 }, (_, i) => `${"\\\\\"'é\u0001".repeat(140)}${i}`);
  await (await openStore(file, { ...options(), filterable: paths })).close();
  const get = vi.spyOn(Connection.prototype, "get");
  const all = vi.spyOn(Connection.prototype, "all");
  const store = await openStore(file, { embedder: options().embedder, readOnly: true });
  const asked = [...get.mock.calls, ...all.mock.calls].filter(([sql]) =>
    /sqlite_schema|application_id|user_v/.test(sql),
  );
  expect(asked.length).toBeLessThanOrEqual(5);
  vi.restoreAllMocks();
  expect((await store.verify()).problems).toEqual([]);
});

it("a description that one byte damaged is opened, or CORRUPT, and repaired as before", async () => {
  const file = await tampered(described("meta", "name of a setting", "game of a setting"));
  const store = await openStore(file, options());
  expect(await store.count()).toBe(20);
  await store.close();
  const { embedder } = options();
  expect(await VectorStore.repair(file, { embedder })).toMatchObject({ passages: 20 });
});

describe("plain descriptions", () => {
  const plain = (sql: string) => isPlain({ type: "table", name: "t", table: "t", sql });

  it.each([
    ["CREATE TABLE t (a)", true],
    ['CREATE TABLE "t" (a INTEGER PRIMARY KEY, -- with AS (x)\n b TEXT NOT NULL) STRICT, WITHOUT ROWID', true],
    ["CREATE TABLE t (a, b, PRIMARY KEY (a, b)) WITHOUT ROWID", true],
    ["CREATE UNIQUE INDEX i ON t (a, b)", true],
    ["CREATE TABLE t (a AS (1))", false],
    ["CREATE TABLE t (a, b GENERATED ALWAYS AS (a) STORED)", false],
    ["CREATE TABLE t (a CHECK (a > 1))", false],
    ["CREATE TABLE t (a DEFAULT (random()))", false],
    ["CREATE TABLE t (a, CHECK (a))", false],
    ["CREATE INDEX i ON t (hex(a))", false],
    ["CREATE INDEX i ON t (a) WHERE a", false],
    ["CREATE VIRTUAL TABLE t USING fts5(a)", false],
    ["CREATE VIEW t AS SELECT 1", false],
    // What is a comment to a hasty reader, and a name or an expression to SQLite.
    ['CREATE TABLE t ("a--" AS (evil), b --\n" TEXT, c" TEXT)', false],
    ["CREATE TABLE t (a /* \n */ AS (1))", false],
    ["CREATE TABLE t ([a--] AS (1), b\n)", false],
    ["", false],
  ])("%j: %s", (sql, expected) => {
    expect(plain(sql)).toBe(expected);
  });

  it("an index on metadata is on the value at one path", () => {
    const on = (sql: string) => isMetadataIndex({ type: "index", name: "i", table: "passages", sql });
    const path = `$."it''s"`;
    expect(on(`CREATE INDEX i ON passages (json_extract(metadata, '${path}'))`)).toBe(true);
    expect(on(`CREATE INDEX i ON passages (json_extract(metadata, '$.a') || hex(zeroblob(9)))`)).toBe(false);
    expect(on(`CREATE INDEX i ON passages (json_extract(metadata, '$.a'), (hex('x')))`)).toBe(false);
    expect(on(`CREATE INDEX i ON passages (json_extract(text, '$.a'))`)).toBe(false);
    expect(on(`CREATE INDEX i ON passages (json_extract(metadata, '$.a')) WHERE 1`)).toBe(false);
  });
});

it("an empty file is no store unless one may be made there", async () => {
  const file = await temporaryFile();
  writeFileSync(file, "");
  await expect(openStore(file, { create: false })).rejects.toMatchObject({ code: "NOT_A_STORE" });
  await expect(openStore(file, { readOnly: true })).rejects.toMatchObject({ code: "NOT_A_STORE" });
  expect(await (await openStore(file, options())).count()).toBe(0);
});
