import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Connection } from "../../../src/storage/connection.js";
import { countIds, IdTable, renumberIds } from "../../../src/storage/ids.js";
import { readIdBuckets } from "../../../src/storage/meta.js";
import { codeOf, openDatabase } from "./temporary_store.js";

// One bucket for up to 64 ids, two for up to 128.
const LOAD = 64;

function enter(tx: Connection, from: number, to: number): void {
  const table = new IdTable(tx);
  for (let node = from; node < to; node++) table.enter(`id ${node}`, node);
  table.save(to);
}

/** Ids in each bucket; throws if one lies in the wrong one. */
function loads(c: Connection): number[] {
  const buckets = readIdBuckets(c);
  return Array.from({ length: buckets }, (_, address) => countIds(c, address, buckets));
}

describe("the table of ids", () => {
  it.each([0, 1, LOAD - 1, LOAD, LOAD + 1, 2 * LOAD, 2 * LOAD + 1, 3 * LOAD + 1, 40 * LOAD, 40 * LOAD + 1])(
    "finds each of %d ids and no other",
    async (count) => {
      const database = await openDatabase();
      await database.write((tx) => enter(tx, 0, count));
      const table = new IdTable(database.reader);
      for (let node = 0; node < count; node++) expect(table.nodesOf(`id ${node}`)).toEqual([node]);
      for (const id of ["", "id", `id ${count}`, "id 0 ", "ID 0"]) expect(table.nodesOf(id)).toEqual([]);
      const held = loads(database.reader);
      expect(held).toHaveLength(Math.max(1, Math.ceil(count / LOAD)));
      expect(held.reduce((sum, n) => sum + n, 0)).toBe(count);
    },
  );

  it("grows by single ids as by many, and its buckets stay about equally full", async () => {
    const database = await openDatabase();
    await database.write((tx) => {
      for (let node = 0; node < 3000; node++) enter(tx, node, node + 1);
    });
    const other = await openDatabase();
    await other.write((tx) => enter(tx, 0, 3000));
    expect(readIdBuckets(database.reader)).toBe(Math.ceil(3000 / LOAD));
    expect(readIdBuckets(other.reader)).toBe(Math.ceil(3000 / LOAD));
    // The ones whose turn has not come hold twice as many as the others: 94 and 47 here.
    expect(Math.max(...loads(database.reader))).toBeLessThan(3 * LOAD);
  });

  it("follows any sequence of entries and removals", async () => {
    const steps = fc.array(
      fc.record({ enter: fc.nat(300), remove: fc.array(fc.double({ min: 0, max: 0.9999, noNaN: true })) }),
      { maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const database = await openDatabase();
        const expected = new Map<string, number>();
        let next = 0;
        for (const step of all) {
          await database.write((tx) => {
            const table = new IdTable(tx);
            for (const share of step.remove) {
              const id = `id ${Math.floor(share * next)}`;
              const node = expected.get(id);
              if (node === undefined) continue;
              table.remove(id, node);
              expected.delete(id);
            }
            for (const end = next + step.enter; next < end; next++) {
              table.enter(`id ${next}`, next);
              expected.set(`id ${next}`, next);
            }
            table.save(expected.size);
          });
        }
        const table = new IdTable(database.reader);
        for (let node = 0; node < next; node++) {
          const id = `id ${node}`;
          expect(table.nodesOf(id)).toEqual(expected.has(id) ? [node] : []);
        }
        expect(loads(database.reader).reduce((sum, n) => sum + n, 0)).toBe(expected.size);
        await database.close();
      }),
      { seed: 14, numRuns: 15 },
    );
  });

  it("keeps its ids when their nodes get other numbers", async () => {
    const database = await openDatabase();
    await database.write((tx) => enter(tx, 0, 500));
    await database.write((tx) => {
      for (const _ of renumberIds(tx, (node) => 2 * node + 1));
    });
    const table = new IdTable(database.reader);
    for (let node = 0; node < 500; node++) expect(table.nodesOf(`id ${node}`)).toEqual([2 * node + 1]);
  });

  it("is another one in every store: nobody can choose ids that fill one bucket", async () => {
    const held = [];
    for (let i = 0; i < 3; i++) {
      const database = await openDatabase();
      await database.write((tx) => enter(tx, 0, 2000));
      held.push(loads(database.reader).join());
    }
    expect(new Set(held).size).toBe(3);
  });

  it("is CORRUPT where a bucket is missing, damaged, torn or another one", async () => {
    const cases: [sql: string, message: RegExp][] = [
      ["DELETE FROM id_buckets WHERE bucket = 1", /Row 1 of table id_buckets is missing/],
      ["UPDATE id_buckets SET entries = substr(entries, 2)", /does not match its checksum/],
      ["UPDATE id_buckets SET bucket = 1 - bucket + 10; UPDATE id_buckets SET bucket = bucket - 10", /does not match/],
    ];
    for (const [sql, message] of cases) {
      const database = await openDatabase();
      await database.write((tx) => enter(tx, 0, 2 * LOAD));
      await database.write((tx) => tx.exec(sql));
      const look = () => {
        const table = new IdTable(database.reader);
        for (let node = 0; node < 2 * LOAD; node++) table.nodesOf(`id ${node}`);
      };
      expect(await codeOf(look)).toBe("CORRUPT");
      expect(look).toThrow(message);
    }
  });
});
