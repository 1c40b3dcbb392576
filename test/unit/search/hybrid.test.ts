import fc from "fast-check";
import { expect, it, test } from "vitest";
import { fuse } from "../../../src/search/modes.js";

const key = (item: string) => item;

it("puts what stands in both lists before what stands in one", () => {
  const fused = fuse(
    [
      ["a", "b", "c"],
      ["d", "b", "e"],
    ],
    key,
  );
  expect(fused.map(({ item }) => item)).toEqual(["b", "a", "d", "c", "e"]);
  expect(fused[0]!.score).toBeCloseTo(2 / 62, 12);
  expect(fused[1]!.score).toBeCloseTo(1 / 61, 12);
});

it("takes entries of the earlier list, and nothing from nothing", () => {
  const near = { id: "a", from: "near" };
  expect(fuse([[near], [{ id: "a", from: "words" }]], ({ id }) => id)[0]!.item).toBe(near);
  expect(fuse([[], []], key)).toEqual([]);
  expect(fuse([["x", "y"], []], key).map(({ item }) => item)).toEqual(["x", "y"]);
});

test("every entry comes once, best first, however the lists overlap", () => {
  const list = fc.uniqueArray(fc.stringMatching(/^[a-h]$/), { maxLength: 8 });
  fc.assert(
    fc.property(list, list, (a, b) => {
      const fused = fuse([a, b], key);
      expect(fused.map(({ item }) => item).sort()).toEqual([...new Set([...a, ...b])].sort());
      const scores = fused.map(({ score }) => score);
      expect(scores).toEqual([...scores].sort((x, y) => y - x));
    }),
    { seed: 6 },
  );
});
