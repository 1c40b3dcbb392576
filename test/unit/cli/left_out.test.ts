import { expect, it } from "vitest";
import { keptSentence, leftOutSentences, passedOverParts, some } from "../../../src/cli/summary.js";
import { LeftOut, type Reason } from "../../../src/folder/files.js";

it("leftOutSentences says each reason in words of its own, with the limit", () => {
  const leftOut = new LeftOut();
  for (const reason of Object.keys(leftOut.paths) as Reason[]) leftOut.add(reason, `/${reason}`);
  const sentences = leftOutSentences(leftOut.paths, 10_000_000);
  expect(new Set(sentences.map((sentence) => sentence.split(":")[0])).size).toBe(Object.keys(leftOut.paths).length);
  expect(sentences[0]).toBe("over 10.0 MB (--max-file-size allows more): /tooLarge");
  expect(leftOutSentences(new LeftOut().paths, 1)).toEqual([]);
});

it("some names a few, and of long ones the end", () => {
  expect(some(["a", "b", "c", "d", "e"])).toBe("a, b, c and 2 more");
  expect(some([`${"x".repeat(1_000)}/end.md`])).toMatch(/^…x+\/end\.md$/);
});

it("passedOverParts says what occurred", () => {
  expect(passedOverParts({ excluded: 0, otherEnding: 0, hidden: 0 })).toEqual([]);
  expect(passedOverParts({ excluded: 1, otherEnding: 2_000, hidden: 3 })).toEqual([
    "1 file excluded",
    "2,000 files with other extensions (--include reads them)",
    "3 hidden",
  ]);
});

it("keptSentence says how much, where, why and how to go on", () => {
  const kept = [{ root: "/r", why: "missing", files: 2, passages: 4 } as const];
  expect(keptSentence(kept)).toBe(
    "Kept 4 passages of 2 files that are gone from /r (missing); --prune removes what is gone.",
  );
});
