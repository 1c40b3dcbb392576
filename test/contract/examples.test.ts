import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { documents, usageBlocks } from "../package/readme_blocks.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
/** What others import, and what a command of its own runs. */
const NOT_HERE = ["chat_model", "llamaindex_llm", "manuals", "quickstart"];

function runs(program: string, cwd: string): string {
  const { OPENAI_BASE_URL: _, OPENAI_API_KEY: __, ...env } = process.env;
  const options = { cwd, env, encoding: "utf8", timeout: 100_000 } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [program], options);
  expect(status, stdout + stderr).toBe(0);
  expect(stdout.trim()).not.toBe("");
  return stdout;
}

describe("examples", () => {
  const examples = readdirSync(join(root, "examples"))
    .map((file) => file.replace(/\.ts$/, ""))
    .filter((name) => !NOT_HERE.includes(name));

  it("there are examples", () => {
    expect(examples.length).toBeGreaterThan(5);
  });

  it.each(examples)("%s does what it says, without a network", (name) => {
    const program = join(root, "dist", "examples", `${name}.js`);
    expect(existsSync(program), `${program} is missing: npm run build makes it`).toBe(true);
    runs(program, root);
  });
});

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
    const printed = runs(program, work);
    if (output !== undefined) expect(printed).toBe(output);
  });
});
