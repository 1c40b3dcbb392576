import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { baseOf, sourceIn, sourceOf, withoutLinks } from "../../../src/folder/sources.js";

it.each([
  ["no store yet", [], ["/p/a.md"], "/none/x"],
  ["a store that moved down", ["docs/a.md", "docs/b.md"], ["/none/p/docs/a.md", "/none/p/docs/b.md"], "/none/p"],
  ["a store with a file of a common name", ["docs/a.md", "a.md"], ["/none/p/a.md", "/none/p/docs/a.md"], "/none/p"],
  ["two files of four", ["a.md", "b.md", "c.md", "d.md"], ["/none/p/a.md", "/none/p/b.md"], "/none/p"],
  ["one file of three", ["a.md", "b.md", "c.md"], ["/none/p/a.md"], "/none/x"],
  ["files outside the folder", ["../docs/a.md"], ["/none/p/docs/a.md"], "/none/p/…"],
  [
    "files in and outside the folder",
    ["../docs/a.md", "../docs/b.md", "notes/c.md"],
    ["/none/p/docs/a.md", "/none/p/docs/b.md", "/none/p/idx/notes/c.md"],
    "/none/p/idx",
  ],
  ["nothing alike", ["a.md"], ["/none/p/b.md"], "/none/x"],
])("baseOf %s", (_, sources, files, base) => {
  expect(baseOf("/none/x", sources, files, ["/none/p"])).toBe(base);
});

it("baseOf stays where one file is at its place", () => {
  const [name] = import.meta.url.split("/").slice(-1);
  expect(baseOf(import.meta.dirname, [name!, "docs/a.md"], ["/none/p/docs/a.md"], ["/none/p"])).toBe(
    import.meta.dirname,
  );
});

it("baseOf sees a move although there is a file of a common name where the store is now", () => {
  const [name] = import.meta.url.split("/").slice(-1);
  const sources = [name!, "docs/a.md", "docs/b.md"];
  const files = sources.map((source) => `/none/p/${source}`);
  expect(baseOf(import.meta.dirname, sources, files, ["/none/p"])).toBe("/none/p");
});

it("names lead back to files", () => {
  expect(sourceOf("/p/docs/a.md", "/p/idx")).toBe("../docs/a.md");
  expect(sourceIn({ id: "a.md#x", metadata: { source: "a.md" } })).toBe("a.md");
  expect(sourceIn({ id: "mine", metadata: { source: "a.md" } })).toBeUndefined();
});

it("withoutLinks follows every link, and keeps what does not exist", () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "embedless-links-")));
  try {
    mkdirSync(join(folder, "a/b"), { recursive: true });
    symlinkSync("a", join(folder, "l"));
    symlinkSync("../l/b", join(folder, "a/m"));
    expect(withoutLinks(join(folder, "l/m"))).toBe(join(folder, "a/b"));
    symlinkSync("b/gone", join(folder, "a/dangling"));
    expect(withoutLinks(join(folder, "l/dangling"))).toBe(join(folder, "a/b/gone"));
    symlinkSync("loop", join(folder, "loop"));
    expect(withoutLinks(join(folder, "loop/x"))).toBe(join(folder, "loop/x"));
    expect(withoutLinks(join(folder, "l/m/gone/x.md"))).toBe(join(folder, "a/b/gone/x.md"));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
