import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  appendCodes,
  BLOCK_NODES,
  type CodePiece,
  clearCodes,
  codeBytes,
  countCodes,
  readCodes,
} from "../../../src/storage/codes.js";
import type { Connection } from "../../../src/storage/connection.js";
import type { Database } from "../../../src/storage/database.js";
import { setLive } from "../../../src/storage/live_bits.js";
import { codeOf, openDatabase } from "./temporary_store.js";

const ROW = 5;

/** Rows that name their node, and an exception for every 7th. */
function codesOf(first: number, count: number): CodePiece {
  const rows = new Uint8Array(count * ROW);
  const entries: number[] = [];
  for (let i = 0; i < count; i++) {
    new DataView(rows.buffer).setUint32(i * ROW, first + i, true);
    if ((first + i) % 7 === 0) entries.push(i);
  }
  const exceptions = new Uint8Array(entries.length * 8);
  const view = new DataView(exceptions.buffer);
  for (const [at, row] of entries.entries()) {
    view.setUint16(at * 8, row, true);
    view.setUint8(at * 8 + 2, (first + row) % 3);
    view.setFloat32(at * 8 + 4, first + row, true);
  }
  return { rows, exceptions };
}

const append = (tx: Connection, first: number, count: number, version = 1) =>
  appendCodes(tx, first, ROW, codesOf(first, count), version);

/** Expects the codes of the nodes `[since, end)` and nothing else, in pieces that follow each other without a gap. */
function expectStored(c: Connection, since: number, end: number): void {
  const rows: Uint8Array[] = [];
  const exceptions: Uint8Array[] = [];
  let node = since;
  for (const piece of readCodes(c, since, ROW)) {
    expect(piece.firstNode).toBe(node);
    const shifted = piece.exceptions.slice();
    const view = new DataView(shifted.buffer);
    for (let at = 0; at < shifted.length; at += 8) {
      view.setUint16(at, view.getUint16(at, true) + node - since, true);
    }
    rows.push(piece.rows);
    exceptions.push(shifted);
    node += piece.rows.length / ROW;
  }
  const expected = codesOf(since, end - since);
  expect(node).toBe(end);
  expect(Buffer.concat(rows).equals(expected.rows)).toBe(true);
  expect(Buffer.concat(exceptions).equals(expected.exceptions)).toBe(true);
}

const readAll = (c: Connection, since: number) => [...readCodes(c, since, ROW)];

const tables = (database: Database) => ({
  blocks: database.reader.get<{ n: number }>("SELECT count(*) AS n FROM code_blocks")?.n,
  open: database.reader.get<{ n: number }>("SELECT count(*) AS n FROM code_open")?.n,
});

describe("codes", () => {
  it.each([1, 63, 64, 65, 4095, 4096, 4097, 8191, 8192, 8193])(
    "stores %d rows at once or one after another",
    async (n) => {
      const atOnce = await openDatabase();
      const split = await openDatabase();
      await atOnce.write((tx) => append(tx, 0, n));
      await split.write((tx) => {
        append(tx, 0, n - 1);
        append(tx, n - 1, 1);
      });
      for (const database of [atOnce, split]) {
        expect(countCodes(database.reader)).toBe(n);
        expect(tables(database)).toEqual({ blocks: Math.floor(n / 4096), open: Math.ceil((n % 4096) / 64) });
        expectStored(database.reader, 0, n);
        for (const since of [1, n - 1, n]) expectStored(database.reader, since, n);
      }
    },
  );

  it("gives back any sequence of appends, from any node on", async () => {
    const sizes = fc.array(fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 3900, max: 4300 })), {
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(sizes, fc.double({ min: 0, max: 1, noNaN: true }), async (counts, share) => {
        const database = await openDatabase();
        let end = 0;
        for (const count of counts) {
          await database.write((tx) => append(tx, end, count));
          end += count;
        }
        const since = Math.floor(share * end);
        expect(countCodes(database.reader)).toBe(end);
        expectStored(database.reader, since, end);
        await database.close();
      }),
      { seed: 11, numRuns: 12 },
    );
  });

  it("leaves what it is given as it was, whatever kind of bytes that is", async () => {
    const database = await openDatabase();
    await database.write((tx) => append(tx, 0, 60));
    const { rows, exceptions } = codesOf(60, 100);
    const given = Buffer.from(exceptions);
    await database.write((tx) => appendCodes(tx, 60, ROW, { rows, exceptions: given }, 1));
    expect(given.equals(exceptions)).toBe(true);
    expectStored(database.reader, 0, 160);
  });

  it("keeps sealed blocks within 51.2 bytes a passage, live bits included", async () => {
    const database = await openDatabase();
    const rows = new Uint8Array(51 * BLOCK_NODES).fill(3);
    await database.write((tx) => {
      appendCodes(tx, 0, 51, { rows, exceptions: new Uint8Array() }, 1);
      setLive(tx, 0, BLOCK_NODES, 1);
    });
    expect(codeBytes(database.reader) / BLOCK_NODES).toBeLessThanOrEqual(51.2);
    expect(codeBytes(database.reader)).toBe(51 * BLOCK_NODES + 512);
  });

  it("refuses a gap, an overlap, half a row and exceptions of other rows", async () => {
    const database = await openDatabase();
    await database.write((tx) => append(tx, 0, 10));
    for (const first of [11, 9]) {
      expect(await codeOf(() => database.write((tx) => append(tx, first, 1)))).toBe("CORRUPT");
    }
    await database.write((tx) => {
      const half = { rows: new Uint8Array(7), exceptions: new Uint8Array() };
      expect(() => appendCodes(tx, 10, ROW, half, 1)).toThrow(RangeError);
      const foreign = { rows: new Uint8Array(ROW), exceptions: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0) };
      expect(() => appendCodes(tx, 10, ROW, foreign, 1)).toThrow(RangeError);
    });
    expectStored(database.reader, 0, 10);
  });

  it("notices missing rows and blocks", async () => {
    const database = await openDatabase();
    await database.write((tx) => append(tx, 0, 2 * 4096 + 200));
    await database.write((tx) => tx.run("DELETE FROM code_open WHERE row = 129"));
    expect(await codeOf(() => readAll(database.reader, 0))).toBe("CORRUPT");
    await database.write((tx) => tx.run("DELETE FROM code_open"));
    expectStored(database.reader, 0, 8192);
    await database.write((tx) => tx.run("DELETE FROM code_blocks WHERE block = 0"));
    expect(await codeOf(() => readAll(database.reader, 0))).toBe("CORRUPT");
    expect(await codeOf(() => readAll(database.reader, 4096))).toBe("none");
  });

  it("notices a sound row put in another one's place", async () => {
    const database = await openDatabase();
    await database.write((tx) => append(tx, 0, 2 * 4096 + 128));
    await database.write((tx) => {
      tx.run("DELETE FROM code_blocks WHERE block = 0");
      tx.run("UPDATE code_blocks SET block = 0");
      tx.run("UPDATE code_open SET row = row - 64");
    });
    await expect(async () => readAll(database.reader, 0)).rejects.toThrow("Row 0 of table code_blocks");
    await expect(async () => readAll(database.reader, 4096)).rejects.toThrow("Row 64 of table code_open");
  });

  it("can be made anew for another codebook", async () => {
    const database = await openDatabase();
    await database.write((tx) => append(tx, 0, 5000));
    await database.write((tx) => {
      clearCodes(tx);
      append(tx, 0, 70, 2);
    });
    expectStored(database.reader, 0, 70);
  });
});
