import { describe, expect, it } from "vitest";
import { Passages } from "../../../src/passage/passages.js";
import { verifyPassages } from "../../../src/passage/verify_passages.js";
import { appendCodes, readCodes } from "../../../src/storage/codes.js";
import type { Database } from "../../../src/storage/database.js";
import { getDictionary } from "../../../src/storage/dictionaries.js";
import { countIds, IdTable } from "../../../src/storage/ids.js";
import { type Cell, checksum } from "../../../src/storage/integrity.js";
import { readLive, setLive } from "../../../src/storage/live_bits.js";
import { raiseVersion, readMeta, writeMeta } from "../../../src/storage/meta.js";
import {
  addSampleQueries,
  getCanaries,
  getCodebook,
  getSampleQueries,
  putCanaries,
  putCodebook,
} from "../../../src/storage/model_rows.js";
import { addPending, putVectors, readPending, readVectors } from "../../../src/storage/vectors.js";
import { verifyTables } from "../../../src/storage/verify.js";
import { openDatabase, temporaryPath } from "./temporary_store.js";

const NODES = 4200;
const ROW = 11;
const VECTOR = 6;
/** Nodes that have a passage: some in the sealed block, some after it; their texts make a dictionary. */
const LIVE = [...Array(90).keys(), ...Array.from({ length: 104 }, (_, i) => 4096 + i)];

/** A store with something in every table that a store can have together. */
async function filledStore(waiting = false): Promise<Database> {
  const database = await openDatabase(temporaryPath());
  const passages = new Passages(database);
  const exceptions = Uint8Array.of(3, 0, 1, 0, 0, 0, 128, 63);
  const stored = (waiting ? LIVE.slice(0, 20) : LIVE).map((node) => ({
    node,
    id: `p${node}x`,
    text: `Passage ${node} tells of the number ${node * node} and of its friends. `.repeat(8),
    metadata: node % 2 ? '{"odd":true}' : null,
  }));
  await database.write((tx) => {
    const version = raiseVersion(tx);
    passages.insert(tx, stored);
    putCanaries(tx, [{ text: "a", vector: Float32Array.of(1, 2) }]);
    const sha256 = putCodebook(tx, new Uint8Array(100).fill(9));
    const traits = { metric: "cosine", vectors: "float16", dims: 2, embedder: { id: "e" } } as const;
    setLive(tx, 0, waiting ? 20 : 90, version);
    putVectors(tx, 0, vectorRows(waiting ? 20 : 90));
    if (waiting) {
      const codes = { leanvec: { dims: 1, primary: "lvq8", training: "ood" } } as const;
      writeMeta(tx, { ...traits, codes });
      addSampleQueries(tx, 0, [Float32Array.of(1, 2), Float32Array.of(3, 4)]);
      return addPending(tx, 0, 4, new Uint8Array(20 * 4).fill(1));
    }
    setLive(tx, 4096, 104, version);
    putVectors(tx, 4096, vectorRows(104));
    appendCodes(tx, 0, ROW, { rows: new Uint8Array(NODES * ROW).fill(7), exceptions }, version);
    writeMeta(tx, { ...traits, codes: { bytes: 24 }, codebook: { sha256, kind: "own" } });
  });
  return database;
}

const vectorRows = (count: number) => Array.from({ length: count }, (_, i) => new Uint8Array(VECTOR).fill(i));

async function problems(database: Database): Promise<string[]> {
  return database.snapshot(async (c) => {
    const found: string[] = [];
    for (const step of verifyTables(c)) if (step !== undefined) found.push(step);
    for (const step of verifyPassages(c, new Passages(database))) if (step !== undefined) found.push(step);
    return found;
  });
}

const readers: Record<string, (database: Database) => unknown> = {
  meta: (d) => readMeta(d.reader),
  passages: (d) => new Passages(d).page(-1, 10_000),
  id_buckets: (d) => [0, 1, 2, 3].map((address) => countIds(d.reader, address, 4)),
  dictionaries: (d) => getDictionary(d.reader, 1),
  codebooks: (d) => getCodebook(d.reader, d.reader.get<{ s: string }>("SELECT sha256 AS s FROM codebooks")?.s ?? ""),
  code_blocks: (d) => [...readCodes(d.reader, 0, ROW)],
  code_open: (d) => [...readCodes(d.reader, 4096, ROW)],
  live_blocks: (d) => [...readLive(d.reader, 0)],
  pending: (d) => [...readPending(d.reader, 0, 4)],
  sample_queries: (d) => getSampleQueries(d.reader, 2),
  vectors: (d) => [...readVectors(d.reader, 0, VECTOR)],
  canaries: (d) => getCanaries(d.reader),
};

// Every column but the key, changed in the last row of its table. Blobs and texts get one other byte.
const damages = [
  ...["meta.value", "passages.id", "passages.dict", "passages.hash", "passages.metadata", "passages.text"],
  ...["dictionaries.bytes", "codebooks.bytes", "code_blocks.rows", "code_blocks.exceptions", "code_blocks.version"],
  ...[
    "code_open.count",
    "code_open.rows",
    "code_open.version",
    "id_buckets.entries",
    "live_blocks.bits",
    "live_blocks.version",
  ],
  ...["pending.row", "sample_queries.vector", "vectors.row", "canaries.text", "canaries.vector"],
  ...[
    "meta",
    "passages",
    "id_buckets",
    "dictionaries",
    "codebooks",
    "code_blocks",
    "code_open",
    "live_blocks",
    "pending",
    "sample_queries",
    "vectors",
    "canaries",
  ].map((table) => `${table}.crc`),
];

function damaged(value: unknown): string | number | Uint8Array {
  if (typeof value === "number") return value ^ 1;
  if (typeof value === "string") return `${value.slice(0, -1)}${value.endsWith("1") ? "2" : "1"}`;
  const bytes = value as Uint8Array;
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 0x10;
  return bytes;
}

describe("damage", () => {
  it("is not found where there is none", async () => {
    expect(await problems(await filledStore())).toEqual([]);
    expect(await problems(await filledStore(true))).toEqual([]);
  });

  it.each(damages)("of %s is CORRUPT when read and found by verifying", async (place) => {
    const [table, column] = place.split(".") as [string, string];
    const database = await filledStore(table === "pending" || table === "sample_queries");
    await database.write((tx) => {
      const key = tx.get<{ name: string }>(
        `SELECT name FROM pragma_table_info('${table}', 'store') WHERE pk = 1`,
      )?.name;
      const where = `${key} = (SELECT max(${key}) FROM ${table} WHERE ${column} IS NOT NULL)`;
      const before = tx.get<{ v: unknown }>(`SELECT ${column} AS v FROM ${table} WHERE ${where}`)?.v;
      expect(tx.run(`UPDATE ${table} SET ${column} = ? WHERE ${where}`, damaged(before)).changes).toBe(1);
    });
    let error: unknown;
    try {
      readers[table]?.(database);
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({ name: "EmbedlessError", code: "CORRUPT" });
    expect(String(error)).toContain(`table ${table}`);
    const found = await problems(database);
    expect(found.some((sentence) => sentence.includes(table))).toBe(true);
  });

  it("that leaves every row sound is found by verifying", async () => {
    const cases: [string, RegExp][] = [
      ["DELETE FROM passages WHERE node = 5", /passages/],
      ["DELETE FROM code_open WHERE row = (SELECT max(row) FROM code_open)", /4200 nodes were given out/],
      ["DELETE FROM code_open WHERE row = 64", /Row 64 of table code_open is missing/],
      ["DELETE FROM code_blocks", /Row 0 of table code_blocks is missing/],
      ["DELETE FROM live_blocks WHERE block = 1", /not marked live/],
      ["DELETE FROM id_buckets WHERE bucket = 3", /Row 3 of table id_buckets is missing/],
      ["INSERT INTO id_buckets VALUES (999, x'', 0)", /Row 999 of table id_buckets is one too many/],
      ["DELETE FROM meta WHERE key = 'idBuckets'", /Row "idBuckets" of table meta is missing/],
      ["DELETE FROM dictionaries", /Row 1 of table dictionaries is missing/],
      ["DELETE FROM codebooks", /codebook .* is missing/],
      ["DELETE FROM meta WHERE key = 'passages'", /meta is missing/],
      ["DELETE FROM meta WHERE key = 'codebook'", /no codebook is named/],
      ["DELETE FROM meta WHERE key = 'codes'", /Row "codes" of table meta is missing/],
      ["DELETE FROM meta WHERE key = 'vectors'", /Row "vectors" of table meta is missing/],
      ["DELETE FROM vectors WHERE node = 89", /Row 89 of table vectors is missing/],
      ["DELETE FROM vectors", /Row 4199 of table vectors is missing/],
      ["UPDATE vectors SET node = 4090 WHERE node = 4100", /Row 4090 of table vectors does not match its checksum/],
      ["UPDATE vectors SET node = 4090 WHERE node = 4100", /Row 4090 of table vectors belongs to no passage/],
      ["INSERT INTO sample_queries VALUES (0, x'0000000000000000', 0)", /table sample_queries does not match/],
    ];
    for (const [sql, sentence] of cases) {
      const database = await filledStore();
      await database.write((tx) => tx.run(sql));
      expect((await problems(database)).join("\n")).toMatch(sentence);
      await database.close();
    }
  });

  it("that gives two passages one id is found by verifying", async () => {
    const database = await filledStore();
    await database.write((tx) => {
      const row = tx.get<Record<string, Cell>>("SELECT dict, hash, metadata, text FROM passages WHERE node = 6")!;
      const crc = checksum(tx, "passages", 6, "p5x", row["dict"]!, row["hash"]!, row["metadata"]!, row["text"]!);
      tx.run("UPDATE passages SET id = 'p5x', crc = ? WHERE node = 6", crc);
      const ids = new IdTable(tx);
      ids.remove("p6x", 6);
      ids.enter("p5x", 6);
      ids.save(LIVE.length);
    });
    expect((await problems(database)).join("\n")).toContain("The id p5x does not lead to its passage (node 6).");
  });

  it("goes on verifying after a damaged row", async () => {
    const database = await filledStore();
    await database.write((tx) => {
      tx.run("UPDATE code_blocks SET crc = crc + 1");
      tx.run("UPDATE code_open SET crc = crc + 1 WHERE row = 65");
      tx.run("UPDATE passages SET crc = crc + 1 WHERE node IN (70, 4100)");
      tx.run("UPDATE id_buckets SET crc = crc + 1 WHERE bucket IN (0, 2)");
    });
    const found = (await problems(database)).join("\n");
    for (const row of [
      "0 of table code_blocks",
      "65 of table code_open",
      "70 of table passages",
      "4100 of table passages",
      "0 of table id_buckets",
      "2 of table id_buckets",
    ]) {
      expect(found.split(`Row ${row}`)).toHaveLength(2);
    }
  });
});
