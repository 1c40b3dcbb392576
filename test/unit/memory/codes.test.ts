import { describe, expect, it } from "vitest";
import { CodeIndex } from "../../../src/memory/mirror.js";
import { native } from "../../../src/native/native.js";
import type { EncodedRows, NativeCoder, NativeIndex } from "../../../src/native/surface.js";
import { appendCodes, BLOCK_NODES, clearCodes } from "../../../src/storage/codes.js";
import type { Database } from "../../../src/storage/database.js";
import { clearLive, setLive } from "../../../src/storage/live_bits.js";
import { raiseVersion, readMeta, writeMeta } from "../../../src/storage/meta.js";
import { putCodebook } from "../../../src/storage/model_rows.js";
import { slowClock } from "../../support/clock.js";
import { openDatabase } from "../storage/temporary_store.js";

const DIMS = 4;
const addon = native();
const coder = await train(1);
const other = await train(2);

/** Two codes of a byte, so that the rows of many blocks are made in a moment. */
function train(seed: number): Promise<NativeCoder> {
  const vectors = Float32Array.from({ length: 300 * DIMS }, (_, i) => Math.sin(i * i + seed));
  return addon.trainCodebook(vectors, { dims: DIMS, metric: "cosine", code: { bytes: 2 }, seed });
}

/** Rows that differ from node to node. */
function rowsOf(first: number, count: number, { rowBytes }: NativeCoder): EncodedRows {
  const rows = Uint8Array.from({ length: count * rowBytes }, (_, i) => (first * rowBytes + i) * 37);
  return { rows, exceptions: new Uint8Array() };
}

/** Commits new nodes, deaths, or another codebook with all codes anew. */
async function commit(
  database: Database,
  change: { add?: number; dead?: Iterable<number>; codebook?: NativeCoder },
): Promise<void> {
  await database.write((tx) => {
    const version = raiseVersion(tx);
    const { nextNode } = readMeta(tx);
    const { add = 0, dead = [], codebook } = change;
    const used = codebook ?? coder;
    if (codebook) clearCodes(tx);
    if (codebook || nextNode === 0) {
      const reference = { sha256: putCodebook(tx, used.save()), kind: "own" as const };
      writeMeta(tx, { dims: DIMS, metric: "cosine", codes: { bytes: 48 }, vectors: "recompute", codebook: reference });
    }
    const from = codebook ? 0 : nextNode;
    if (nextNode + add > from) appendCodes(tx, from, used.rowBytes, rowsOf(from, nextNode + add - from, used), version);
    if (add > 0) setLive(tx, nextNode, add, version);
    clearLive(tx, dead, version);
    writeMeta(tx, { nextNode: nextNode + add });
  });
}

function indexOf(database: Database): CodeIndex {
  const coders = new Map([coder, other].map((one) => [Buffer.from(one.save()).toString("base64"), one]));
  return new CodeIndex(addon, database, {
    empty: ({ dims, metric }) => addon.createEmptyCoder(dims, metric),
    find: async (c, codebook) => {
      const row = c.get<{ bytes: Uint8Array }>("SELECT bytes FROM codebooks WHERE sha256 = ?", codebook!.sha256);
      return coders.get(Buffer.from(row!.bytes).toString("base64"))!;
    },
  });
}

/** Expects exactly these nodes to live, and all codes to be those of `used`. */
function expectState(index: NativeIndex | undefined, count: number, dead: ReadonlySet<number>, used = coder): void {
  expect([index?.count, index?.live, index?.coder]).toEqual([count, count - dead.size, used]);
  const bits = index!.liveBits();
  const wrong = Array.from({ length: count }, (_, node) => node).filter(
    (node) => ((bits[node >> 3]! >> (node & 7)) & 1) === (dead.has(node) ? 1 : 0),
  );
  expect(wrong).toEqual([]);
}

describe("loading", () => {
  it.each([1, 63, 64, 65, BLOCK_NODES - 1, BLOCK_NODES, BLOCK_NODES + 1, 70 * BLOCK_NODES + 5])(
    "%i codes with their deaths",
    async (count) => {
      const database = await openDatabase();
      const dead = new Set([0, 7, 8, 4095, 4096, 4097, 300_000 % count, count - 1].filter((node) => node < count));
      await commit(database, { add: count, dead });
      const index = indexOf(database);
      await index.refresh();
      expectState(index.current, count, dead);
      const nodes = Uint32Array.from([0, count >> 1, count - 1]);
      const rows = Array.from(nodes, (node) => rowsOf(node, 1, coder).rows);
      expect(index.current!.vectors(nodes)).toEqual(coder.decode(Buffer.concat(rows), new Uint8Array()));
    },
  );

  it("has nothing for a store without passages", async () => {
    const database = await openDatabase();
    const index = indexOf(database);
    await index.refresh();
    expect(index.current).toBeUndefined();
  });
});

it("follows what others commit, in the same index", async () => {
  const database = await openDatabase();
  await commit(database, { add: 3 * BLOCK_NODES });
  const index = indexOf(database);
  await index.refresh();
  const first = index.current;
  const dead = new Set<number>();
  for (let round = 0; round < 5; round++) {
    const fresh = [round, BLOCK_NODES + round, index.current!.count + 1];
    await commit(database, { add: 100, dead: fresh });
    for (const node of fresh) dead.add(node);
    await index.refresh();
    expectState(index.current, 3 * BLOCK_NODES + (round + 1) * 100, dead);
  }
  expect(index.current).toBe(first);
});

it("leaves the event loop its turns, and ends with what was committed meanwhile", async () => {
  const database = await openDatabase();
  const count = 20 * BLOCK_NODES;
  await commit(database, { add: count });
  const index = indexOf(database);
  const dead = new Set<number>();
  let over = false;
  slowClock(5); // each block is a slice
  const loading = index.refresh().finally(() => {
    over = true;
  });
  let added = 0;
  while (!over && added < 10) {
    const node = (added * 7919) % count;
    await commit(database, { add: 1, dead: [node] });
    added++;
    dead.add(node);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(over).toBe(false);
  await loading;
  await index.refresh();
  expect(added).toBe(10);
  expectState(index.current, count + added, dead);
});

it("begins anew when the codebook changes, also in the middle of loading", async () => {
  const database = await openDatabase();
  await commit(database, { add: 20 * BLOCK_NODES });
  const index = indexOf(database);
  slowClock(5);
  const loading = index.refresh();
  await new Promise((resolve) => setImmediate(resolve));
  await commit(database, { add: 1, dead: [5], codebook: other });
  await loading;
  await index.refresh();
  expectState(index.current, 20 * BLOCK_NODES + 1, new Set([5]), other);
});
