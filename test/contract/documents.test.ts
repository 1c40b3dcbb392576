import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { asRequire, documents, fileBlock, usageBlocks } from "../package/readme_blocks.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));

describe("programs of README.md and docs", () => {
  const blocks = usageBlocks(documents(root));
  // Below the package, so that a program's import of "embedless" leads to what was built here.
  mkdirSync(join(root, "dist"), { recursive: true });
  const programs = mkdtempSync(join(root, "dist", "documents-"));
  const work = mkdtempSync(join(tmpdir(), "embedless-documents-"));
  afterAll(() => {
    for (const folder of [programs, work]) rmSync(folder, { recursive: true, force: true });
  });

  it("there are programs, and one that shows its output", () => {
    expect(blocks.length).toBeGreaterThan(5);
    expect(blocks.some(({ output }) => output !== undefined)).toBe(true);
  });

  it.each(blocks)("$name of $path runs, and prints what stands there", ({ name, code, output }) => {
    const program = join(programs, `${name}.mjs`);
    writeFileSync(program, code);
    const { OPENAI_BASE_URL: _, OPENAI_API_KEY: __, ...env } = process.env;
    const options = { cwd: work, env, encoding: "utf8", timeout: 100_000 } as const;
    const { status, stdout, stderr } = spawnSync(process.execPath, [program], options);
    expect(status, stdout + stderr).toBe(0);
    expect(stdout.trim()).not.toBe("");
    if (output !== undefined) expect(stdout).toBe(output);
  });
});

describe("finding the programs", () => {
  const page = (text: string) => [{ path: "README.md", text }];
  const program = '<!-- usage:a -->\n```js\nimport { b } from "c";\nb();\n```\n';

  it("finds a program and what it prints", () => {
    const found = usageBlocks(page(`${program}\n<!-- output:a -->\n\`\`\`text\n1\n\`\`\`\n`));
    expect(found).toEqual([{ name: "a", path: "README.md", code: 'import { b } from "c";\nb();\n', output: "1\n" }]);
  });

  it("takes the types out of TypeScript", () => {
    const [found] = usageBlocks(page("<!-- usage:a -->\n```ts\nconst a: number = 1;\n```\n"));
    expect(found!.code).toContain("const a = 1;");
  });

  it("writes require() for import", () => {
    const [found] = usageBlocks(page(program));
    expect(asRequire(found!.code)).toContain('const { b } = require("c");');
  });

  it("finds the content of a file", () => {
    expect(fileBlock(page("<!-- file:x.mjs -->\n```js\nexport default {};\n```\n"), "x.mjs")).toBe(
      "export default {};\n",
    );
    expect(() => fileBlock(page(program), "x.mjs")).toThrow(/no document/);
  });

  it.each([
    ["a program without a marker", "```js\nb();\n```\n", /without a marker/],
    ["a marker without a block", "<!-- usage:a -->\n\nText.\n", /no block follows/],
    ["a marker before something else", "<!-- usage:a -->\n```sh\nls\n```\n", /is no program/],
    ["one name twice", program + program, /stands twice/],
    ["an output without a program", "<!-- output:a -->\n```text\n1\n```\n", /has no program/],
  ])("refuses %s", (_, text, says) => {
    expect(() => usageBlocks(page(text))).toThrow(says);
  });
});
