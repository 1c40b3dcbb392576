import fc from "fast-check";
import { expect, it } from "vitest";
import { clearBit, countBits, hasBit, nodesFrom, nodesWithout, Ranks, setBit } from "../../../src/base/bitmap.js";

const BITS = 2_048;

/** A set of nodes in both forms; dense and empty stretches are as likely as mixed ones. */
const sets = fc
  .array(fc.record({ from: fc.nat(BITS - 1), length: fc.nat(200), step: fc.integer({ min: 1, max: 9 }) }), {
    maxLength: 12,
  })
  .map((runs) => {
    const nodes = new Set<number>();
    for (const { from, length, step } of runs) {
      for (let node = from; node < Math.min(BITS, from + length); node += step) nodes.add(node);
    }
    const bits = new Uint8Array(BITS / 8);
    for (const node of nodes) setBit(bits, node);
    return { bits, nodes: [...nodes].sort((a, b) => a - b) };
  });

it("answers as a set does", () => {
  fc.assert(
    fc.property(sets, fc.nat(BITS + 20), fc.nat(300), ({ bits, nodes }, at, limit) => {
      expect(countBits(bits)).toBe(nodes.length);
      expect(hasBit(bits, at)).toBe(nodes.includes(at));
      expect(nodesFrom(bits, at, limit)).toEqual(nodes.filter((node) => node >= at).slice(0, limit));
      const absent = Array.from({ length: at }, (_, node) => node).filter((node) => !nodes.includes(node));
      expect(nodesWithout(bits, at)).toEqual(absent);
      const ranks = new Ranks(bits);
      expect(ranks.count).toBe(nodes.length);
      if (at < BITS) expect(ranks.before(at)).toBe(nodes.filter((node) => node < at).length);
    }),
    { seed: 11 },
  );
});

it("takes nodes out again", () => {
  const bits = new Uint8Array(2).fill(0xff);
  clearBit(bits, 9);
  clearBit(bits, 9);
  expect([...bits]).toEqual([0xff, 0xfd]);
  expect(nodesWithout(bits, 16)).toEqual([9]);
  expect(nodesWithout(bits, 18)).toEqual([9, 16, 17]);
});
