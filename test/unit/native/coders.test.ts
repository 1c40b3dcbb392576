import { describe, expect, it } from "vitest";
import { EmbedlessError } from "../../../src/base/errors.js";
import { newestCodebook } from "../../../src/embed/minilm/minilm.js";
import { sha256 } from "../../../src/embed/model_folder.js";
import type { NativeCodes } from "../../../src/native/surface.js";
import { addon, caught, codebook, dims, forms, metrics, vectors } from "./corpus.js";

/** Codes to train, their kinds and row bytes for l2. */
const codes: [string, NativeCodes, string, number][] = [
  ["bytes", { bytes: 6 }, "pq", 11],
  ["lvq4", "lvq4", "lvq", 16 + dims / 2],
  ["lvq8", "lvq8", "lvq", 16 + dims],
  ["lvq4x8", "lvq4x8", "lvq", 16 + 1.5 * dims],
  ["leanvec by pca", { leanvec: { dims: 9, primary: "lvq4", training: "pca" } }, "leanvec", 21],
  ["leanvec by queries", { leanvec: { dims: 9, primary: "lvq8", training: "ood" } }, "leanvec", 25],
];

describe("coders", () => {
  it.each(metrics)("a %s codebook tells what it is", async (metric) => {
    const coder = await codebook(metric);
    expect(coder).toMatchObject({ kind: "pq", dims, metric });
    expect(coder.rowBytes).toBeGreaterThan(metric === "cosine" ? 3 : 5);
    expect(coder.rowBytes).toBeLessThanOrEqual(6 + (metric === "cosine" ? 3 : 5));
  });

  it("training gives the same bytes for any number of threads", async () => {
    const options = { dims, metric: "cosine" as const, code: { bytes: 6 }, seed: 9 };
    const one = await addon.trainCodebook(vectors(600), { ...options, threads: 1 });
    const three = await addon.trainCodebook(vectors(600), { ...options, threads: 3 });
    expect(three.save()).toEqual(one.save());
    expect((await addon.trainCodebook(vectors(600), { ...options, seed: 10 })).save()).not.toEqual(one.save());
  });

  it.each(codes)("trains, saves and loads %s", async (_, code, kind, rowBytes) => {
    const asks = typeof code !== "string" && "leanvec" in code && code.leanvec.training === "ood";
    const options = { dims, metric: "l2" as const, code, ...(asks ? { queries: vectors(40, 8) } : {}) };
    const coder = await addon.trainCodebook(vectors(600), { ...options, threads: 1 });
    expect(coder).toMatchObject({ kind, dims, metric: "l2", rowBytes });
    expect(coder.rho).toBeGreaterThan(0);
    expect(coder.rho).toBeLessThan(1);
    expect((await addon.trainCodebook(vectors(600), { ...options, threads: 3 })).save()).toEqual(coder.save());
    const again = addon.loadCodebook(coder.save());
    expect(again).toMatchObject({ kind, dims, metric: "l2", rowBytes, rho: coder.rho });
    expect(await again.encode(vectors(100, 3))).toEqual(await coder.encode(vectors(100, 3)));
    const damaged = coder.save();
    damaged[damaged.length >> 1]! ^= 4;
    expect(caught(() => addon.loadCodebook(damaged))).toMatchObject({ code: "CORRUPT" });
  });

  it.each(metrics)("a saved %s codebook encodes as before", async (metric) => {
    const coder = await codebook(metric);
    const again = addon.loadCodebook(coder.save());
    expect(again.save()).toEqual(coder.save());
    expect(await again.encode(vectors(100, 3))).toEqual(await coder.encode(vectors(100, 3)));
  });

  it("the shipped codebook, of the first form, saves again to the bytes that name it", async () => {
    const shipped = newestCodebook()!;
    const bytes = await shipped.load();
    expect(new DataView(bytes.buffer, bytes.byteOffset).getUint32(8, true)).toBe(1);
    expect(sha256(addon.loadCodebook(bytes).save())).toBe(shipped.sha256);
  });

  it("a codebook of the second form has the same bytes for any number of threads, and encodes as before", async () => {
    const wide = { dims: 96, metric: "cosine", code: { bytes: 12 } } as const;
    const sample = vectors(600, 5, wide.dims);
    const one = await addon.trainCodebook(sample, { ...wide, threads: 1 });
    const saved = one.save();
    expect(new DataView(saved.buffer, saved.byteOffset).getUint32(8, true)).toBe(2);
    expect((await addon.trainCodebook(sample, { ...wide, threads: 3 })).save()).toEqual(saved);
    const again = addon.loadCodebook(saved);
    expect(again.save()).toEqual(saved);
    expect(await again.encode(sample)).toEqual(await one.encode(sample));
  });

  it("a damaged codebook is CORRUPT", async () => {
    const saved = (await codebook()).save();
    for (const at of [0, 5, saved.length >> 1, saved.length - 1]) {
      const damaged = saved.slice();
      damaged[at]! ^= 0x10;
      expect(caught(() => addon.loadCodebook(damaged))).toBeInstanceOf(EmbedlessError);
    }
    expect(caught(() => addon.loadCodebook(saved.subarray(0, 100)))).toMatchObject({ code: "CORRUPT" });
    expect(caught(() => addon.loadCodebook(new Uint8Array()))).toMatchObject({ code: "CORRUPT" });
  });

  it.each(forms)("%s rows decode to nearly the same vectors", async (form, rowBytes, loss) => {
    const coder = addon.createVectorCoder(form, dims, "ip");
    expect(coder).toMatchObject({ kind: form, dims, metric: "ip", rowBytes });
    expect(coder.rho).toBeCloseTo(1.5 / Math.sqrt(dims), 6);
    const given = vectors(50);
    const encoded = await coder.encode(given);
    expect(encoded.rows).toHaveLength(50 * coder.rowBytes);
    const back = coder.decode(encoded.rows, encoded.exceptions);
    expect(back).toHaveLength(given.length);
    for (const [i, value] of back.entries()) expect(Math.abs(value - given[i]!)).toBeLessThanOrEqual(loss);
    expect(caught(() => coder.save())).toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it.each(forms)("%s keeps the length of a vector, except int8 under cosine", async (form, _, loss) => {
    const given = vectors(1).map((value) => 3 * value);
    const coder = addon.createVectorCoder(form, dims, "cosine");
    const encoded = await coder.encode(given);
    const length = Math.hypot(...coder.decode(encoded.rows, encoded.exceptions));
    expect(Math.abs(length - (form === "int8" ? 1 : Math.hypot(...given)))).toBeLessThanOrEqual(10 * loss + 1e-6);
  });

  it("codebook rows decode to something near", async () => {
    const coder = await codebook("ip");
    const given = vectors(200, 4);
    const encoded = await coder.encode(given);
    const back = coder.decode(encoded.rows, encoded.exceptions);
    const error = back.reduce((sum, value, i) => sum + (value - given[i]!) ** 2, 0);
    expect(error).toBeLessThan(0.5 * given.reduce((sum, value) => sum + value ** 2, 0));
  });

  it("encoding copies its input before it returns", async () => {
    const coder = await codebook();
    const given = vectors(500, 5);
    const expected = await coder.encode(given.slice());
    const pending = coder.encode(given);
    given.fill(Number.NaN);
    expect(await pending).toEqual(expected);
  });

  it("refuses zero and non-finite vectors", async () => {
    const coder = await codebook();
    for (const bad of [0, Number.NaN, Number.POSITIVE_INFINITY]) {
      const given = vectors(3);
      given.fill(bad, dims, 2 * dims);
      await expect(coder.encode(given)).rejects.toMatchObject({ name: "EmbedlessError", code: "INVALID_VECTOR" });
    }
  });

  it("takes 65,535 vectors at once and not one more", async () => {
    const coder = addon.createVectorCoder("int8", 1, "ip");
    expect((await coder.encode(new Float32Array(65_535).fill(1))).rows).toHaveLength(65_535 * 9);
    await expect(coder.encode(new Float32Array(65_536).fill(1))).rejects.toBeInstanceOf(RangeError);
  });
});
