import { describe, expect, it } from "vitest";
import { embedPassages, embedQuestion } from "../../../../src/embed/guard.js";
import { minilm } from "../../../../src/embed/minilm/minilm.js";

/** Texts, the first elements of their vectors, and their cosines, as the model gave them when it was added. */
const KNOWN: [string, number[]][] = [
  ["A cat sits on the warm window sill.", [0.0954, -0.0149, -0.0035, 0.0834, -0.049, 0.0017, 0.0673, 0.0066]],
  ["The kitten sleeps beside the window.", [0.0859, 0.0348, -0.0314, 0.0793, 0.0197, 0.0717, -0.0563, 0.036]],
  [
    "Interest rates rose by a quarter of a percent.",
    [0.0707, -0.0136, -0.0331, 0.0236, 0.0249, -0.0795, -0.0922, 0.0343],
  ],
];
const COSINES = [0.5903, 0.0277, 0.0115];

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

describe("minilm", () => {
  it("gives the vectors that it always gave", async () => {
    const embedder = minilm({ workers: 2 });
    const vectors = await embedPassages(
      embedder,
      KNOWN.map(([text]) => text),
    );
    for (const [i, [, first]] of KNOWN.entries()) {
      expect(dot(vectors[i]!, vectors[i]!)).toBeCloseTo(1, 5);
      for (const [j, element] of first.entries()) expect(Math.abs(vectors[i]![j]! - element)).toBeLessThan(0.005);
    }
    const cosines = [dot(vectors[0]!, vectors[1]!), dot(vectors[0]!, vectors[2]!), dot(vectors[1]!, vectors[2]!)];
    for (const [i, cosine] of cosines.entries()) expect(Math.abs(cosine - COSINES[i]!)).toBeLessThan(0.01);
    // One text a run: neither the company nor the process changes a vector.
    const alone = await embedQuestion(embedder, KNOWN[1]![0]);
    expect(alone).toEqual(vectors[1]);
    await embedder.close!();
  });

  it("cuts at 254 tokens and says so", async () => {
    const embedder = minilm({ workers: 1 });
    const cut: number[][] = [];
    const texts = [253, 254, 255, 400].map((n) => "bridge ".repeat(n));
    const vectors = await embedPassages(embedder, texts, { onTruncated: (i, tokens) => cut.push([i, tokens]) });
    expect(cut.toSorted((a, b) => a[0]! - b[0]!)).toEqual([
      [2, 255],
      [3, 400],
    ]);
    expect(vectors[2]).toEqual(vectors[1]);
    expect(vectors[3]).toEqual(vectors[1]);
    expect(vectors[0]).not.toEqual(vectors[1]);
    expect(await embedder.countTokens!(texts[2]!)).toBe(255);
    expect(embedder.countTokens!("unbelievable!")).toBe(2);
    await embedder.close!();
  });

  it("embeds an empty text, odd characters and a word of 100,000 letters", async () => {
    const embedder = minilm({ workers: 1 });
    const vectors = await embedPassages(embedder, ["", "\u0000\ud800 \u202e", "x".repeat(100_000), "日本語"]);
    expect(vectors.map((v) => v.length)).toEqual([384, 384, 384, 384]);
    await embedder.close!();
  });

  it("tells what it is without loading anything", async () => {
    const embedder = minilm();
    expect(embedder).toMatchObject({ dims: 384, maxTokens: 254, source: { kind: "minilm" } });
    // Stores know the model by this name, which is that of the weights as they were exported.
    expect(embedder.id).toBe(
      "all-MiniLM-L6-v2:sha256:5b55b06f94eb566300002e3c1c9ff1399c2d7fa5b1a5e8652ec36c840254d7b2",
    );
    // @ts-expect-error a misspelt option
    expect(() => minilm({ worker: 2 })).toThrow(/Did you mean "workers"/);
    expect(() => minilm({ workers: 1.5 })).toThrow(RangeError);
  });
});
