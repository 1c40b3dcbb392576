import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const page = readFileSync(join(root, "docs", "architecture.md"), "utf8");

/** The hops of a walk: file and function of each row of the table below a heading. */
function hopsOf(heading: string): { file: string; name: string }[] {
  const section = page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? "";
  const rows = section.matchAll(/^\| \d+ \| `([^`]+)` \| `([^`]+)` \|/gm);
  return Array.from(rows, ([, file, name]) => ({ file: file!, name: name! }));
}

/** Whether a source declares a function or method of this name. */
const declares = (text: string, name: string) =>
  new RegExp(`^(export )?(async )?function\\*? ${name}\\b|^ +(override )?(async )?\\*?${name}(<[^>]*>)?\\(`, "m").test(
    text,
  );

describe.each([
  ["One search", 15],
  ["One add", 12],
])("%s", (heading, most) => {
  const hops = hopsOf(heading);

  it("is walked in few files, each named once", () => {
    expect(hops.length).toBeGreaterThan(8);
    expect(hops.length).toBeLessThanOrEqual(most);
    expect(new Set(hops.map(({ file }) => file)).size).toBe(hops.length);
  });

  it.each(hops)("finds $name in $file", ({ file, name }) => {
    expect(declares(readFileSync(join(root, file), "utf8"), name)).toBe(true);
  });
});

it("every path that the page names exists", () => {
  const paths = [...page.matchAll(/`((?:src|integrations|addon|test|docs)\/[^`*]*)`/g)].map(([, path]) => path!);
  expect(paths.length).toBeGreaterThan(40);
  expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

it("sees what is not declared", () => {
  expect(declares("  async answer(question: Question) {}", "answer")).toBe(true);
  expect(declares("  async #answer(question: Question) {}", "#answer")).toBe(true);
  expect(declares("export function planSearch(k: number) {}", "planSearch")).toBe(true);
  expect(declares("// answer(question) is called\nreturn this.answer(q);", "answer")).toBe(false);
});
