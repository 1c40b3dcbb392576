import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkVectors } from "../../../src/api/embedder.js";

describe("checkVectors", () => {
  it("copies what it is given, rounded to float32", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 3, maxLength: 3 })),
        (rows) => {
          const checked = checkVectors("m", rows, rows.map(String), 3);
          expect(checked.map((v) => [...v])).toEqual(rows.map((row) => [...Float32Array.from(row)]));
        },
      ),
    );
    const own = new Float32Array([1, 2]);
    const [copy] = checkVectors("m", [own], ["a"]);
    own[0] = 9;
    expect(copy).toEqual(new Float32Array([1, 2]));
  });

  const bad: [string, unknown, RegExp][] = [
    ["no array", { length: 2 }, /answered an object instead of an array of vectors/],
    ["too few", [[1, 2]], /answered 1 vectors for 2 texts/],
    [
      "too many",
      [
        [1, 2],
        [1, 2],
        [1, 2],
      ],
      /answered 3 vectors for 2 texts/,
    ],
    ["no vector", [[1, 2], null], /answered null instead of a vector for "second"/],
    [
      "other dims",
      [
        [1, 2],
        [1, 2, 3],
      ],
      /a vector of 3 dims for "second", where 2 are expected/,
    ],
    ["no dims", [[], [1]], /a vector of 0 dims for "first"/],
    [
      "NaN",
      [
        [1, 2],
        [1, Number.NaN],
      ],
      /answered NaN as element 1 of the vector for "second"/,
    ],
    [
      "beyond float32",
      [
        [1, 1e39],
        [1, 2],
      ],
      /answered 1e\+39 as element 1 of the vector for "first"/,
    ],
    [
      "a string among numbers",
      [
        ["1", 2],
        [1, 2],
      ],
      /answered "1" as element 0/,
    ],
  ];
  it.each(bad)("refuses %s, naming the text", (_, vectors, message) => {
    expect(() => checkVectors("m", vectors, ["first", "second"], 2)).toThrow(
      expect.objectContaining({ code: "EMBEDDER_OUTPUT", message: expect.stringMatching(message) }),
    );
  });

  it("lets the first vector decide where dims are not known", () => {
    expect(() => checkVectors("m", [[1, 2], [1]], ["a", "b"])).toThrow(/1 dims for "b", where 2 are expected/);
  });
});
