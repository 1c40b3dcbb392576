import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Passages } from "../../../src/passage/passages.js";
import type { Database } from "../../../src/storage/database.js";
import {
  addSampleQueries,
  clearSampleQueries,
  countSampleQueries,
  getSampleQueries,
} from "../../../src/storage/model_rows.js";
import { deleteVectors, getVectors, putVectors, readVectors } from "../../../src/storage/vectors.js";
import { codeOf, openDatabase } from "./temporary_store.js";

const ROW = 5;

/** A row that names its node. */
function rowOf(node: number): Uint8Array {
  const row = new Uint8Array(ROW);
  new DataView(row.buffer).setUint32(0, node, true);
  return row;
}

/** Passages `[first, first + count)` with their vectors. */
async function put(database: Database, first: number, count: number): Promise<void> {
  const nodes = Array.from({ length: count }, (_, i) => first + i);
  await database.write((tx) => {
    new Passages(database).insert(
      tx,
      nodes.map((node) => ({ node, id: `p${node}`, text: `Text ${node}.`, metadata: null })),
    );
    putVectors(tx, first, nodes.map(rowOf));
  });
}

async function remove(database: Database, nodes: number[]): Promise<void> {
  await database.write((tx) => {
    new Passages(database).removeByIds(
      tx,
      nodes.map((node) => `p${node}`),
    );
    deleteVectors(tx, nodes);
  });
}

/** The nodes that `readVectors` gives; each run must hold the rows of its nodes. */
function nodesRead(database: Database, since: number): number[] {
  const nodes: number[] = [];
  for (const { firstNode, rows } of readVectors(database.reader, since, ROW)) {
    for (let i = 0; i * ROW < rows.length; i++) {
      expect(rows.subarray(i * ROW, (i + 1) * ROW)).toEqual(Buffer.from(rowOf(firstNode + i)));
      nodes.push(firstNode + i);
    }
  }
  return nodes;
}

describe("kept vectors", () => {
  it.each([0, 1, 255, 256, 257, 513])("gives %d rows back, from any node on", async (n) => {
    const database = await openDatabase();
    await put(database, 0, n);
    for (const since of [0, 1, n - 1, n].filter((node) => node >= 0)) {
      expect(nodesRead(database, since)).toEqual(Array.from({ length: Math.max(0, n - since) }, (_, i) => since + i));
    }
    const wanted = [n - 1, 0, Math.floor(n / 2)].filter((node) => node >= 0 && node < n);
    expect(getVectors(database.reader, wanted, ROW)).toEqual(wanted.map(rowOf));
  });

  it("leaves out the nodes of deleted passages, wherever they lie", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 600 }),
        fc.array(fc.tuple(fc.nat(600), fc.integer({ min: 1, max: 300 })), { maxLength: 4 }),
        async (count, cuts) => {
          const database = await openDatabase();
          await put(database, 0, count);
          const gone = new Set(cuts.flatMap(([from, length]) => Array.from({ length }, (_, i) => from + i)));
          await remove(
            database,
            [...gone].filter((node) => node < count),
          );
          const left = Array.from({ length: count }, (_, i) => i).filter((node) => !gone.has(node));
          expect(nodesRead(database, 0)).toEqual(left);
          expect(getVectors(database.reader, [0, count - 1, count], ROW)).toEqual(
            [0, count - 1, count].map((node) => (node < count && !gone.has(node) ? rowOf(node) : undefined)),
          );
          await database.close();
        },
      ),
      { seed: 5, numRuns: 15 },
    );
  });

  it("tells a missing row from a deleted passage", async () => {
    for (const node of [0, 299, 599]) {
      const database = await openDatabase();
      await put(database, 0, 600);
      await remove(database, [300, 598]);
      await database.write((tx) => tx.run("DELETE FROM vectors WHERE node = ?", node));
      const message = `Row ${node} of table vectors is missing`;
      await expect(async () => nodesRead(database, 0)).rejects.toThrow(message);
      await expect(async () => getVectors(database.reader, [300, node], ROW)).rejects.toThrow(message);
      expect(getVectors(database.reader, [300, 301], ROW)).toEqual([undefined, rowOf(301)]);
    }
  });

  it("notices other lengths and a sound row put in another one's place", async () => {
    const database = await openDatabase();
    await put(database, 0, 4);
    expect(await codeOf(() => getVectors(database.reader, [1], ROW + 1))).toBe("CORRUPT");
    expect(await codeOf(() => [...readVectors(database.reader, 0, ROW - 1)])).toBe("CORRUPT");
    await database.write((tx) => {
      tx.run("UPDATE vectors SET node = 99 WHERE node = 1");
      tx.run("UPDATE vectors SET node = 1 WHERE node = 2");
    });
    await expect(async () => getVectors(database.reader, [1], ROW)).rejects.toThrow("Row 1 of table vectors");
  });
});

describe("sample queries", () => {
  const vector = (n: number) => Float32Array.of(n, -0, n / 3);

  it.each([1, 63, 64, 65])("keeps %d exactly, until they are used", async (n) => {
    const database = await openDatabase();
    const vectors = Array.from({ length: n }, (_, i) => vector(i));
    await database.write((tx) => {
      addSampleQueries(tx, 0, vectors.slice(0, 40));
      addSampleQueries(tx, 40, vectors.slice(40));
    });
    expect(countSampleQueries(database.reader)).toBe(n);
    expect(getSampleQueries(database.reader, 3)).toEqual(Float32Array.from(vectors.flatMap((v) => [...v])));
    await database.write(clearSampleQueries);
    expect(countSampleQueries(database.reader)).toBe(0);
    expect(await codeOf(() => getSampleQueries(database.reader, 3))).toBe("CORRUPT");
  });

  it("notices missing rows and other dims", async () => {
    const database = await openDatabase();
    await database.write((tx) => addSampleQueries(tx, 0, [vector(1), vector(2), vector(3)]));
    expect(await codeOf(() => getSampleQueries(database.reader, 4))).toBe("CORRUPT");
    await database.write((tx) => tx.run("DELETE FROM sample_queries WHERE n = 1"));
    await expect(async () => getSampleQueries(database.reader, 3)).rejects.toThrow(
      "Row 1 of table sample_queries is missing",
    );
  });
});
