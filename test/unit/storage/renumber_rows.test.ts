import { expect, it } from "vitest";
import { renumberRows } from "../../../src/storage/compaction.js";
import type { Connection } from "../../../src/storage/connection.js";
import type { Database } from "../../../src/storage/database.js";
import { addPending, getPending, getVectors, putVectors } from "../../../src/storage/vectors.js";
import { codeOf, openDatabase } from "./temporary_store.js";

const rowOf = (node: number) => Uint8Array.of(node & 255, node >> 8, 7);

const tables = {
  vectors: {
    put: (tx: Connection, count: number) =>
      putVectors(
        tx,
        0,
        Array.from({ length: count }, (_, node) => rowOf(node)),
      ),
    get: getVectors,
  },
  pending: {
    put: (tx: Connection, count: number) =>
      addPending(tx, 0, 3, Buffer.concat(Array.from({ length: count }, (_, node) => rowOf(node)))),
    get: getPending,
  },
};

async function renumber(
  database: Database,
  table: keyof typeof tables,
  numberOf: (node: number) => number | undefined,
) {
  await database.write((tx) =>
    database.snapshot(async (old) => {
      for (const _ of renumberRows(tx, old, table, numberOf));
    }),
  );
}

it.each(
  (["vectors", "pending"] as const).flatMap((table) => [0, 1, 63, 64, 65, 200].map((count) => ({ table, count }))),
)("$count rows of $table move to their new numbers, those of gone nodes are dropped", async ({ table, count }) => {
  const database = await openDatabase();
  await database.write((tx) => tables[table].put(tx, count));
  await renumber(database, table, (node) => (node % 3 === 1 ? undefined : node - Math.ceil((node - 1) / 3)));
  const kept = Array.from({ length: count }, (_, node) => node).filter((node) => node % 3 !== 1);
  const found = tables[table].get(database.reader, [...kept.keys()], 3);
  expect(found.map((row) => row && Buffer.from(row).toString("hex"))).toEqual(
    kept.map((node) => Buffer.from(rowOf(node)).toString("hex")),
  );
  expect(database.reader.get(`SELECT count(*) AS n FROM ${table}`)).toEqual({ n: kept.length });
});

it.each(["vectors", "pending"] as const)(
  "a damaged row of %s is CORRUPT, and all stay where they are",
  async (table) => {
    const database = await openDatabase();
    await database.write((tx) => tables[table].put(tx, 100));
    await database.write((tx) => tx.run(`UPDATE ${table} SET row = x'000000' WHERE node = 90`));
    expect(await codeOf(() => renumber(database, table, (node) => (node === 5 ? undefined : node - +(node > 5))))).toBe(
      "CORRUPT",
    );
    expect(tables[table].get(database.reader, [5, 80], 3)).toEqual([rowOf(5), rowOf(80)]);
  },
);
