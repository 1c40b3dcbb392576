import { describe, expect, it } from "vitest";
import { removalOf, type Sight } from "../../../src/folder/removal.js";

/** Files below `/r`, each with two passages, of which those named `gone` were not found. */
function sight(files: readonly string[], gone: readonly string[], more: Partial<Sight> = {}): Sight {
  const here = files.filter((file) => !gone.includes(file));
  return {
    roots: ["/r"],
    missing: [],
    stored: new Map(files.flatMap((file) => [1, 2].map((n) => [`${file}#${n}`, file] as const))),
    seen: new Set(here.flatMap((file) => [1, 2].map((n) => `${file}#${n}`))),
    read: new Set(here),
    present: [],
    unreadable: [],
    ...more,
  };
}

const numbered = (count: number, folder = "/r") => Array.from({ length: count }, (_, i) => `${folder}/f${i}.md`);
const decided = (given: Sight, prune = false) => {
  const { ids, kept } = removalOf(given, prune);
  return { removed: ids.length, kept: kept.map(({ why, files, passages }) => [why, files, passages]) };
};

describe("removalOf", () => {
  it.each([
    ["one of three files", sight(numbered(3), ["/r/f0.md"]), 2, []],
    ["a small folder", sight(numbered(12), numbered(9)), 18, []],
    ["half of many files", sight(numbered(40), numbered(20)), 40, []],
    ["more than half of many files", sight(numbered(40), numbered(21)), 0, [["mostly gone", 21, 42]]],
    [
      "ten of ten that were renamed",
      { ...sight(numbered(10), numbered(10)), read: new Set(["/r/new.md"]) },
      0,
      [["mostly gone", 10, 20]],
    ],
    ["all of a folder, even if few", sight(numbered(2), numbered(2)), 0, [["empty", 2, 4]]],
    ["a folder that is missing", sight(numbered(2), numbered(2), { missing: ["/r"] }), 0, [["missing", 2, 4]]],
    ["files that became binary", sight(numbered(2), numbered(2), { present: numbered(2) }), 4, []],
    ["many files that became binary", sight(numbered(12), numbered(12), { present: numbered(12) }), 24, []],
    [
      "many files below a folder that is ignored now",
      sight([...numbered(12, "/r/logs"), "/r/a.md"], numbered(12, "/r/logs"), { present: ["/r/logs"] }),
      24,
      [],
    ],
    ["a folder that cannot be looked into", sight(numbered(3), numbered(2), { unreadable: ["/r"] }), 0, []],
    [
      "two given files of three in a folder that is there",
      sight(["/a.md", "/b.md", "/c.md"], ["/a.md", "/b.md"], {
        roots: ["/a.md", "/b.md", "/c.md"],
        missing: ["/a.md", "/b.md"],
      }),
      4,
      [],
    ],
    [
      "given files whose folder is missing",
      sight(["/no/such/a.md"], ["/no/such/a.md"], { roots: ["/no/such/a.md"], missing: ["/no/such/a.md"] }),
      0,
      [["missing", 1, 2]],
    ],
    [
      "most of many given files",
      sight(numbered(12, ""), numbered(11, ""), { roots: numbered(12, ""), missing: numbered(11, "") }),
      0,
      [["mostly gone", 11, 22]],
    ],
    ["nothing", sight(numbered(3), []), 0, []],
  ] as [string, Sight, number, unknown[]][])("decides about %s", (_, given, removed, kept) => {
    expect(decided(given)).toEqual({ removed, kept });
    const unreadable = given.unreadable.length > 0;
    const all = [...given.stored].filter(([id]) => !given.seen.has(id)).length;
    expect(decided(given, true)).toEqual({ removed: unreadable ? 0 : all, kept: [] });
  });

  it("removes the old passages of an edited file, whatever is kept of others", () => {
    const given = sight([...numbered(12), "/r/edited.md"], numbered(12));
    const edited = { ...given, seen: new Set(["/r/edited.md#1"]) };
    expect(removalOf(edited, false)).toMatchObject({
      ids: ["/r/edited.md#2"],
      kept: [{ why: "mostly gone", files: 12 }],
    });
  });

  it("keeps what either of two given folders gives doubt about", () => {
    const files = [...numbered(2, "/r/sub"), ...numbered(20)];
    const given = sight(files, numbered(2, "/r/sub"), { roots: ["/r", "/r/sub"], missing: ["/r/sub"] });
    expect(removalOf(given, false)).toMatchObject({ ids: [], kept: [{ root: "/r/sub", why: "missing" }] });
  });
});
