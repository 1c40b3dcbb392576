import { describe, expect, it } from "vitest";
import { globTest } from "../../../src/folder/selection.js";

describe("globTest", () => {
  it.each([
    ["*.md", ["a.md", "docs/deep/a.md", ".md"], ["a.mdx", "a.md.bak", "amd"]],
    ["docs/*.md", ["docs/a.md"], ["docs/b/a.md", "x/docs/a.md", "a.md"]],
    ["docs/**", ["docs/a.md", "docs/b/c.ts"], ["a.md", "xdocs/a.md"]],
    ["**/test/*.ts", ["test/a.ts", "x/y/test/a.ts"], ["test/x/a.ts", "atest/a.ts"]],
    ["drafts", ["drafts/a.md", "x/drafts/b.md", "drafts"], ["drafts2/a.md", "mydrafts/a.md"]],
    ["drafts/", ["drafts/a.md"], ["a.md"]],
    ["./docs/a?.md", ["docs/ab.md"], ["docs/a.md", "docs/a/.md"]],
    ["*.{ts,tsx}", ["a.ts", "b/c.tsx"], ["a.js", "a.{ts,tsx}"]],
    ["[a-c]*.md", ["a.md", "cat.md"], ["dog.md"]],
    ["[!a-c]*.md", ["dog.md"], ["a.md"]],
    ["a+(b).md", ["a+(b).md"], ["aab.md"]],
    ["**", ["a", "a/b"], []],
  ])("%s", (pattern, matching, others) => {
    const test = globTest(pattern);
    for (const path of matching) expect([path, test(path)]).toEqual([path, true]);
    for (const path of others) expect([path, test(path)]).toEqual([path, false]);
  });

  it.each(["", "/", "./", "a[b", "{a,b", "[z-a]"])("refuses %j", (pattern) => {
    expect(() => globTest(pattern)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  });
});
