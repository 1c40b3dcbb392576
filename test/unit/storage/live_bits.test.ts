import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Connection } from "../../../src/storage/connection.js";
import { clearLive, readLive, setLive } from "../../../src/storage/live_bits.js";
import { codeOf, openDatabase } from "./temporary_store.js";

function liveNodes(c: Connection, since = 0): number[] {
  const nodes: number[] = [];
  for (const { block, bits } of readLive(c, since)) {
    for (let n = 0; n < 4096; n++) if (((bits[n >> 3] ?? 0) >> (n & 7)) & 1) nodes.push(block * 4096 + n);
  }
  return nodes;
}

describe("live bits", () => {
  it.each([1, 7, 8, 9, 4095, 4096, 4097, 8192, 8193])("marks %d nodes and no other", async (n) => {
    const database = await openDatabase();
    await database.write((tx) => setLive(tx, 0, n, 1));
    expect(liveNodes(database.reader)).toEqual(Array.from({ length: n }, (_, node) => node));
  });

  it("follows any sequence of appends and removals", async () => {
    const steps = fc.array(
      fc.record({
        append: fc.integer({ min: 0, max: 3000 }),
        remove: fc.array(fc.double({ min: 0, max: 0.9999, noNaN: true })),
      }),
      { maxLength: 6 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const database = await openDatabase();
        const expected = new Set<number>();
        let end = 0;
        for (const [version, { append, remove }] of all.entries()) {
          const gone = remove.map((share) => Math.floor(share * end)).filter((node) => node < end);
          await database.write((tx) => {
            clearLive(tx, gone, version + 1);
            setLive(tx, end, append, version + 1);
          });
          for (const node of gone) expected.delete(node);
          for (let node = end; node < end + append; node++) expected.add(node);
          end += append;
        }
        expect(liveNodes(database.reader)).toEqual([...expected].sort((a, b) => a - b));
        await database.close();
      }),
      { seed: 12, numRuns: 10 },
    );
  });

  it("gives only the blocks that changed since a version", async () => {
    const database = await openDatabase();
    await database.write((tx) => setLive(tx, 0, 70 * 4096, 1));
    await database.write((tx) => clearLive(tx, [5, 69 * 4096 + 1], 2));
    expect([...readLive(database.reader, 1)].map(({ block }) => block)).toEqual([0, 69]);
    expect([...readLive(database.reader, 0)]).toHaveLength(70);
    expect([...readLive(database.reader, 2)]).toEqual([]);
  });

  it("notices a missing block", async () => {
    const database = await openDatabase();
    await database.write((tx) => setLive(tx, 0, 10, 1));
    await database.write((tx) => tx.run("DELETE FROM live_blocks"));
    expect(await codeOf(() => database.write((tx) => clearLive(tx, [3], 2)))).toBe("CORRUPT");
    expect(await codeOf(() => database.write((tx) => setLive(tx, 10, 1, 2)))).toBe("CORRUPT");
  });
});
