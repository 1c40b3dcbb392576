import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { EmbedlessError } from "../../../src/base/errors.js";
import { load, native } from "../../../src/native/native.js";
import { addon, bruteForce, caught, codebook, dims, feedAll, filledIndex, forms, metrics, vectors } from "./corpus.js";

const bound = { k: 10, recall: 0.95, cap: 64, pool: 400 };

describe("the loader", () => {
  it("loads once", () => {
    expect(native()).toBe(native());
  });

  it("says of each path why it failed, and what to do", () => {
    const folder = mkdtempSync(join(tmpdir(), "embedless-"));
    try {
      const text = join(folder, "text.node");
      writeFileSync(text, "no library");
      const missing = join(folder, "missing.node");
      expect(existsSync(missing)).toBe(false);
      const failure = caught(() => load([missing, text]));
      expect(failure).toBeInstanceOf(EmbedlessError);
      expect(failure).toMatchObject({ code: "NATIVE_LOAD" });
      expect(failure.message).toContain(`${missing}: there is no such file.`);
      expect(failure.message).toContain(`${text}: `);
      expect(failure.message).toContain("npx embedless compile");
      expect(failure.message).toContain("cmake");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("an index", () => {
  it.each([0, 1, 63, 64, 65, 4095, 4096, 4097])("of %i nodes counts and kills", async (n) => {
    const coder = await codebook();
    const { index } = await filledIndex(coder, n);
    expect(index.coder).toBe(coder);
    expect(index).toMatchObject({ count: n, live: n });
    expect(index.liveBits()).toHaveLength(Math.ceil(n / 8));
    if (n === 0) return;
    index.publish({ dead: Uint32Array.of(n - 1) });
    expect(index).toMatchObject({ count: n, live: n - 1 });
    expect(index.liveBits()[(n - 1) >> 3]! & (1 << ((n - 1) & 7))).toBe(0);
    expect(index.memoryBytes).toBeGreaterThan(n * coder.rowBytes);
  });

  it("appends and kills in one step, or not at all", async () => {
    const coder = await codebook();
    const index = addon.createIndex(coder);
    const rows = await coder.encode(vectors(10));
    index.publish({ rows, dead: Uint32Array.of(3) });
    expect(index).toMatchObject({ count: 10, live: 9 });
    expect(caught(() => index.publish({ rows, dead: Uint32Array.of(20) }))).toBeInstanceOf(RangeError);
    expect(index).toMatchObject({ count: 10, live: 9 });
    index.publish({});
    expect(index).toMatchObject({ count: 10, live: 9 });
  });

  it("keeps the codes when the caller's arrays change", async () => {
    const coder = await codebook();
    const rows = await coder.encode(vectors(100, 7));
    const index = addon.createIndex(coder);
    index.publish({ rows });
    const before = (await index.search(vectors(1, 2), bound)).result();
    rows.rows.fill(0);
    rows.exceptions.fill(0);
    expect((await index.search(vectors(1, 2), bound)).result()).toEqual(before);
  });
});

describe("vectors of nodes", () => {
  it("are what the rows decode to, for dead nodes too", async () => {
    for (const coder of [await codebook(), addon.createVectorCoder("float16", dims, "cosine")]) {
      const { index, all } = await filledIndex(coder, 100);
      index.publish({ dead: Uint32Array.of(5) });
      const encoded = await coder.encode(all);
      const decoded = coder.decode(encoded.rows, encoded.exceptions);
      const found = index.vectors(Uint32Array.of(99, 5, 0, 5));
      const expected = [99, 5, 0, 5].flatMap((node) => [...decoded.subarray(node * dims, (node + 1) * dims)]);
      expect([...found]).toEqual(expected);
      expect(index.vectors(new Uint32Array())).toHaveLength(0);
    }
  });

  it("a node that never was is refused", async () => {
    const { index } = await filledIndex(addon.createVectorCoder("float32", dims, "l2"), 3);
    for (const node of [3, 2 ** 32 - 1]) expect(() => index.vectors(Uint32Array.of(0, node))).toThrow(RangeError);
  });
});

describe("a search", () => {
  it.each(metrics)("asked for all of it finds the exact answer (%s)", async (metric) => {
    const plain = forms.map(([form]) => addon.createVectorCoder(form, dims, metric));
    const trained = ["lvq4", "lvq4x8", { leanvec: { dims: 9, primary: "lvq8", training: "pca" } }] as const;
    const others = trained.map((code) => addon.trainCodebook(vectors(600), { dims, metric, code }));
    for (const coder of [await codebook(metric), ...plain, ...(await Promise.all(others))]) {
      const { index, all } = await filledIndex(coder, 700);
      for (const seed of [11, 12, 13]) {
        const query = vectors(1, seed);
        const search = await index.search(query, { ...bound, recall: 1, cap: 700, pool: 700 });
        expect(search.scanned).toBe(700);
        feedAll(search, all);
        const expected = bruteForce(metric, query, all).slice(0, 10);
        const result = search.result();
        expect([...result.nodes]).toEqual(expected.map(({ node }) => node));
        expect([...result.scores]).toEqual(expected.map(({ score }) => score));
        expect([...result.exact]).toEqual(Array(10).fill(1));
        expect(result.recomputed + result.dismissed).toBe(700);
      }
    }
  });

  it("answers from estimates before any feed", async () => {
    const { index } = await filledIndex(await codebook(), 500);
    const search = await index.search(vectors(1, 2), bound);
    const result = search.result();
    expect([...result.exact]).toEqual(Array(10).fill(0));
    expect(result.recomputed).toBe(0);
    expect([...result.scores]).toEqual([...result.estimates]);
    expect([...result.scores]).toEqual([...result.scores].sort((a, b) => b - a));
    expect(search.wants()).toContain(result.nodes[0]);
  });

  it("goes on with the next in order when nodes are missing", async () => {
    const { index, all } = await filledIndex(await codebook(), 500);
    const query = vectors(1, 2);
    const first = await index.search(query, bound);
    const gone = new Set(first.wants().slice(0, 5));
    const search = await index.search(query, bound);
    const asked = feedAll(search, all, gone);
    // Hardly otherwise than if they had never been there: the same search with a filter that leaves them out.
    const filter = new Uint8Array(63).fill(0xff);
    for (const node of gone) filter[node >> 3]! &= ~(1 << (node & 7));
    const without = await index.search(query, { ...bound, filter });
    feedAll(without, all);
    expect(search.result().nodes).toEqual(without.result().nodes);
    expect(Math.abs(search.result().recomputed - without.result().recomputed)).toBeLessThanOrEqual(3);
    expect(asked.length).toBe(search.result().recomputed + 5);
  });

  it("honours filters and dead nodes", async () => {
    const { index, all } = await filledIndex(await codebook(), 300);
    index.publish({ dead: Uint32Array.of(8) });
    const filter = new Uint8Array(38);
    filter[1] = 0xff;
    const search = await index.search(vectors(1, 2), { ...bound, filter });
    expect(search.scanned).toBe(7);
    feedAll(search, all);
    expect([...search.result().nodes].sort((a, b) => a - b)).toEqual([9, 10, 11, 12, 13, 14, 15]);
    const none = await index.search(vectors(1, 2), { ...bound, filter: new Uint8Array() });
    expect(none.done).toBe(true);
    expect(none.result().nodes).toHaveLength(0);
  });

  it("works on the snapshot it started with", async () => {
    const coder = await codebook();
    const { index, all } = await filledIndex(coder, 300);
    const rows = await coder.encode(all);
    const expected = (await index.search(vectors(1, 2), bound)).result();
    const pending = index.search(vectors(1, 2), bound);
    index.publish({ rows, dead: Uint32Array.from({ length: 300 }, (_, i) => i) });
    const search = await pending;
    expect(search.scanned).toBe(300);
    expect(search.result()).toEqual(expected);
  });

  it("can be stopped", async () => {
    const { index } = await filledIndex(await codebook(), 300);
    const stop = new addon.StopFlag();
    stop.stop();
    await expect(index.search(vectors(1), { ...bound, stop })).rejects.toMatchObject({
      name: "EmbedlessError",
      code: "ABORTED",
    });
    await expect(addon.trainCodebook(vectors(600), { dims, metric: "cosine", stop })).rejects.toMatchObject({
      code: "ABORTED",
    });
  });

  it("a training that runs can be stopped", async () => {
    const stop = new addon.StopFlag();
    const training = addon.trainCodebook(vectors(5000, 1, 128), {
      dims: 128,
      code: { bytes: 32 },
      metric: "cosine",
      stop,
    });
    setImmediate(() => stop.stop());
    await expect(training).rejects.toMatchObject({ code: "ABORTED" });
  });

  it("goes on when its index is collected meanwhile", async () => {
    const coder = await codebook();
    const start = async () => {
      const { index } = await filledIndex(coder, 3000);
      return Array.from({ length: 30 }, (_, i) => index.search(vectors(1, i), bound));
    };
    const searches = await start();
    for (let i = 0; i < 3; i++) collectGarbage();
    for (const search of await Promise.all(searches)) {
      expect(search.scanned).toBe(3000);
      collectGarbage();
      expect(search.result().nodes).toHaveLength(10);
      const rows = vectors(search.wants().length, 3);
      search.feed(search.wants(), rows, new Uint32Array());
    }
  });

  it("many searches at once give what each gives alone", async () => {
    const { index } = await filledIndex(await codebook(), 2000);
    const queries = Array.from({ length: 40 }, (_, i) => vectors(1, 100 + i));
    const together = await Promise.all(queries.map((query) => index.search(query, bound)));
    for (const [i, query] of queries.entries()) {
      expect(together[i]!.result()).toEqual((await index.search(query, bound)).result());
    }
  });

  it("refuses vectors and nodes that it did not ask for, and goes on", async () => {
    const { index, all } = await filledIndex(await codebook(), 100);
    const search = await index.search(vectors(1, 2), { ...bound, k: 2 });
    const wants = search.wants();
    const rows = new Float32Array(2 * dims).fill(1);
    const none = new Uint32Array();
    const bad = rows.slice();
    bad[dims + 1] = Number.NaN;
    expect(caught(() => search.feed(wants, bad, none))).toMatchObject({ code: "INVALID_VECTOR" });
    expect(caught(() => search.feed(wants, rows.fill(0), none))).toMatchObject({ code: "INVALID_VECTOR" });
    expect(caught(() => search.feed(wants, rows.fill(1).subarray(1), none))).toBeInstanceOf(RangeError);
    expect(caught(() => search.feed(wants.slice(0, 1), rows, none))).toBeInstanceOf(RangeError);
    expect(caught(() => search.feed(Uint32Array.of(wants[0]!, 4e9), rows, none))).toBeInstanceOf(RangeError);
    expect(search.wants()).toEqual(wants);
    feedAll(search, all);
    expect(search.done).toBe(true);
  });
});

describe("scores", () => {
  it.each([
    ["cosine", 24 / 25],
    ["ip", 24],
    ["l2", -2],
  ] as const)("%s", (metric, expected) => {
    expect(addon.score(metric, Float32Array.of(3, 4), Float32Array.of(4, 3))).toBeCloseTo(expected, 14);
  });

  it("cosine of a zero vector is INVALID_VECTOR", () => {
    expect(caught(() => addon.score("cosine", new Float32Array(3), vectors(1, 1, 3)))).toMatchObject({
      code: "INVALID_VECTOR",
    });
  });
});

describe("instruction sets", () => {
  it("each supported one can be forced and gives the same candidates", async () => {
    const { index } = await filledIndex(await codebook(), 1000);
    const best = addon.activeInstructionSet();
    const expected = (await index.search(vectors(1, 2), bound)).result();
    try {
      for (const { name, supported } of addon.instructionSets()) {
        if (!supported) {
          expect(caught(() => addon.forceInstructionSet(name))).toBeInstanceOf(RangeError);
          continue;
        }
        addon.forceInstructionSet(name);
        expect(addon.activeInstructionSet()).toBe(name);
        expect((await index.search(vectors(1, 2), bound)).result().nodes).toEqual(expected.nodes);
      }
      expect(addon.instructionSets()[0]).toEqual({ name: "scalar", supported: true });
    } finally {
      addon.forceInstructionSet(undefined);
    }
    expect(addon.activeInstructionSet()).toBe(best);
  });

  it("a scan is timed beside a read of its bytes", async () => {
    const plain = forms.map(([form]) => addon.createVectorCoder(form, dims, "cosine"));
    for (const coder of [await codebook(), await codebook("l2"), ...plain]) {
      const { index } = await filledIndex(coder, 5000);
      const timing = await addon.timeScan(index, vectors(1, 2), { pool: 400, rounds: 3 });
      expect(timing.scanNs).toBeGreaterThan(0);
      expect(timing.readNs).toBeGreaterThan(0);
      expect(timing.scanNs).toBeLessThan(1e6);
    }
  });
});

/** A full garbage collection, now. */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}
