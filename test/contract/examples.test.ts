import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const folder = new URL("../../examples/", import.meta.url);
/** What others import, and what a command of its own runs. */
const NOT_HERE = ["chat_model", "llamaindex_llm", "manuals", "quickstart"];

const examples = readdirSync(folder)
  .map((file) => file.replace(/\.ts$/, ""))
  .filter((name) => !NOT_HERE.includes(name));

it("there are examples", () => {
  expect(examples.length).toBeGreaterThan(5);
});

it.each(examples)(
  "%s does what it says, without a network",
  (name) => {
    const program = fileURLToPath(new URL(`../../dist/examples/${name}.js`, import.meta.url));
    expect(existsSync(program), `${program} is missing: npm run build makes it`).toBe(true);
    const { OPENAI_BASE_URL: _, OPENAI_API_KEY: __, ...env } = process.env;
    const { status, stdout, stderr } = spawnSync(process.execPath, [program], {
      env,
      encoding: "utf8",
      timeout: 100_000,
    });
    expect(status, stdout + stderr).toBe(0);
    expect(stdout.trim()).not.toBe("");
  },
  120_000,
);
