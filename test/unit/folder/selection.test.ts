import { describe, expect, it } from "vitest";
import { selectionOf, selects } from "../../../src/folder/selection.js";

describe("selects", () => {
  it("speaks of files that are gone, but not of those outside the paths or the patterns", () => {
    const selection = selectionOf(["/r/docs", "/r/a.md"], { exclude: ["drafts"] });
    expect(selects(selection, "/r/docs/gone.md")).toBe(true);
    expect(selects(selection, "/r/a.md")).toBe(true);
    expect(selects(selection, "/r/docs2/gone.md")).toBe(false);
    expect(selects(selection, "/r/b.md")).toBe(false);
    expect(selects(selection, "/r/docs/drafts/gone.md")).toBe(false);
    expect(selects(selection, "/r/docs/gone.png")).toBe(false);
  });

  it("takes everything below the root folder", () => {
    expect(selects(selectionOf(["/"]), "/a/b.md")).toBe(true);
  });

  it("speaks of skipped and hidden names where a pattern names them, and nowhere else", () => {
    const speaks = (include: string[], path: string) => selects(selectionOf(["/r"], { include }), `/r/${path}`);
    expect(speaks(["build/**"], "build/a.md")).toBe(true);
    expect(speaks(["build"], "x/build/a.md")).toBe(true);
    expect(speaks(["build/**"], "x/build/a.md")).toBe(false);
    expect(speaks(["build/**"], "build/node_modules/a.md")).toBe(false);
    expect(speaks(["{dist,out}/*.md"], "out/a.md")).toBe(true);
    expect(speaks(["**/.github/**"], "x/.github/a.md")).toBe(true);
    expect(speaks([".env"], "sub/.env")).toBe(true);
    for (const wide of ["**", "*.md", "**/*.md", "?*/**", "{*,x}/**"]) {
      expect([wide, speaks([wide], "build/a.md"), speaks([wide], ".hidden.md")]).toEqual([wide, false, false]);
    }
  });

  it("lets the given path that says most decide", () => {
    const selection = selectionOf(["/r", "/r/build"]);
    expect(selects(selection, "/r/build/a.md")).toBe(true);
    expect(selects(selection, "/r/dist/a.md")).toBe(false);
  });
});
