import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const folder = new URL("../../examples/", import.meta.url);
/** What other examples import. */
const IMPORTED = ["chat_model", "llamaindex_llm", "manuals"];
/** Few passages, so that the test is quick; the files that answer the questions are among them. */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = { quickstart: ["--passages", "300"] };

const files = readdirSync(folder).filter((file) => file.endsWith(".ts"));
const examples = files.map((file) => file.replace(/\.ts$/, "")).filter((name) => !IMPORTED.includes(name));

it("there are examples", () => {
  expect(examples).toEqual(expect.arrayContaining(["hello", "quickstart", "langchain_rag", "llamaindex_rag"]));
  expect(examples.length).toBeGreaterThan(7);
});

it.each(files)("%s can be copied: it imports packages by name, and nothing but its neighbours by path", (file) => {
  const text = readFileSync(new URL(file, folder), "utf8");
  const imported = Array.from(text.matchAll(/\b(?:from|import)\s*\(?\s*"([^"]+)"/g), ([, name]) => name!);
  const byPath = imported.filter((name) => name.startsWith("."));
  expect(imported.length).toBeGreaterThan(0);
  expect(byPath.filter((name) => !IMPORTED.some((other) => name === `./${other}.js`))).toEqual([]);
});

it("hello is as short as a first example should be", () => {
  const lines = readFileSync(new URL("hello.ts", folder), "utf8").trimEnd().split("\n");
  expect(lines.length).toBeLessThanOrEqual(15);
});

it.each(examples)(
  "%s does what it says, without a network",
  (name) => {
    const program = fileURLToPath(new URL(`../../dist/examples/${name}.js`, import.meta.url));
    expect(existsSync(program), `${program} is missing: npm run build makes it`).toBe(true);
    const { OPENAI_BASE_URL: _, OPENAI_API_KEY: __, ...env } = process.env;
    const cwd = mkdtempSync(join(tmpdir(), "embedless-example-"));
    try {
      const args = [program, ...(ARGUMENTS[name] ?? [])];
      const { status, stdout, stderr } = spawnSync(process.execPath, args, {
        cwd,
        env,
        encoding: "utf8",
        timeout: 100_000,
      });
      expect(status, stdout + stderr).toBe(0);
      expect(stdout.trim()).not.toBe("");
    } finally {
      rmSync(cwd, { recursive: true, force: true });
    }
  },
  120_000,
);
