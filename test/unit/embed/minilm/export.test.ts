import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { needsExactBytes } from "../../../../src/embed/forked_model.js";
import { sessionOptions } from "../../../../src/embed/onnx_engine.js";
import { exportTiny, optimizeModel, TINY_DIMS, tinyWeights } from "../../../support/tiny_model.js";

async function run(
  model: Buffer,
  ids: number[][],
  mask: number[][],
  exactBytes = needsExactBytes(),
): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(model, sessionOptions(exactBytes));
  const tensor = (rows: number[][]) =>
    new ort.Tensor("int64", BigInt64Array.from(rows.flat(), BigInt), [rows.length, rows[0]!.length]);
  const feeds = {
    input_ids: tensor(ids),
    attention_mask: tensor(mask),
    token_type_ids: tensor(ids.map((row) => row.map(() => 0))),
  };
  const answer = (await session.run(feeds))["last_hidden_state"]!;
  expect(answer.dims).toEqual([ids.length, ids[0]!.length, TINY_DIMS]);
  return answer.data as Float32Array;
}

const cosine = (a: Float32Array, b: Float32Array): number => {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, v, i) => sum + v * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
};

const IDS = [[2, 5, 6, 9, 12, 3]];
const ALL = [[1, 1, 1, 1, 1, 1]];

describe("export_bert", () => {
  it("makes int8 weights that answer nearly what float32 weights answer", async () => {
    const folder = tinyWeights();
    const fp32 = await run(await exportTiny(folder, "fp32"), IDS, ALL);
    const int8 = await run(await exportTiny(folder, "int8"), IDS, ALL);
    expect(cosine(fp32, int8)).toBeGreaterThan(0.99);
    expect(int8).not.toEqual(fp32);
  });

  it("masks padding: as float32, a padded text answers what it answers alone", async () => {
    const model = await exportTiny(tinyWeights(), "fp32");
    const alone = await run(model, IDS, ALL);
    const padded = await run(model, [[...IDS[0]!, 0, 0]], [[...ALL[0]!, 0, 0]]);
    for (const [i, x] of alone.entries()) expect(padded[i]).toBeCloseTo(x, 4);
  });

  it("writes the same bytes every time, and others for other weights", async () => {
    const hash = async (seed: number) =>
      createHash("sha256")
        .update(await exportTiny(tinyWeights(seed), "int8"))
        .digest("hex");
    expect(await hash(7)).toBe(await hash(7));
    expect(await hash(8)).not.toBe(await hash(7));
  });

  it.each([true, false])(
    "optimised beforehand answers the same bits, exact products of bytes: %s",
    async (exactBytes) => {
      const folder = tinyWeights();
      const [from, to] = ["exported.onnx", "optimised.onnx"].map((name) => path.join(folder, name)) as [string, string];
      const model = await exportTiny(folder, "int8");
      writeFileSync(from, model);
      await optimizeModel(from, to);
      const optimised = readFileSync(to);
      expect(optimised.equals(model)).toBe(false);
      expect(await run(optimised, IDS, ALL, exactBytes)).toEqual(await run(model, IDS, ALL, exactBytes));
    },
  );

  it("is deterministic across runs of one session form", async () => {
    const model = await exportTiny(tinyWeights(), "int8");
    expect(await run(model, IDS, ALL)).toEqual(await run(model, IDS, ALL));
  });
});
