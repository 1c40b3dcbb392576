import { describe, expect, it } from "vitest";
import { LeftOut, passedOverParts, reasonOf, some } from "../../../src/cli/left_out.js";

describe("reasonOf", () => {
  it.each([
    ["EACCES", "forbidden"],
    ["EPERM", "forbidden"],
    ["ENOENT", "vanished"],
    ["ENOTDIR", "vanished"],
    ["EIO", "unreadable"],
    ["ELOOP", "unreadable"],
    [undefined, "unreadable"],
  ])("%s is %s", (code, reason) => expect(reasonOf(Object.assign(new Error("x"), { code }))).toBe(reason));
});

describe("LeftOut", () => {
  const filled = () => {
    const leftOut = new LeftOut(10_000_000);
    for (const reason of Object.keys(leftOut.paths) as (keyof typeof leftOut.paths)[])
      leftOut.add(reason, `/${reason}`);
    return leftOut;
  };

  it("knows what it saw and what it did not", () => {
    const leftOut = filled();
    expect(leftOut.unseen).toEqual(["/noDetector", "/forbidden", "/vanished", "/unreadable"]);
    expect(leftOut.present).toContain("/ignored");
    expect(leftOut.present.concat(leftOut.unseen, "/folders").sort()).toEqual(
      Object.values(leftOut.paths).flat().sort(),
    );
  });

  it("says each reason in words of its own, with the limit", () => {
    const sentences = filled().sentences();
    expect(new Set(sentences.map((sentence) => sentence.split(":")[0])).size).toBe(sentences.length);
    expect(sentences[0]).toBe("over 10.0 MB (--max-file-size allows more): /tooLarge");
    expect(new LeftOut(1).sentences()).toEqual([]);
  });
});

it("some names a few, and of long ones the end", () => {
  expect(some(["a", "b", "c", "d", "e"])).toBe("a, b, c and 2 more");
  expect(some([`${"x".repeat(1_000)}/end.md`])).toMatch(/^…x+\/end\.md$/);
});

it("passedOverParts says what occurred", () => {
  expect(passedOverParts({ excluded: 0, otherEnding: 0, hidden: 0 })).toEqual([]);
  expect(passedOverParts({ excluded: 1, otherEnding: 2_000, hidden: 3 })).toEqual([
    "1 file excluded",
    "2,000 files not asked for by ending (--include names others)",
    "3 hidden",
  ]);
});
