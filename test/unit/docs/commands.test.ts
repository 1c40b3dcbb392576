// The commands that documents show exist: scripts, benches, and the commands and options of the command line.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { allDocuments, commandsOf, ROOT } from "./markdown.js";

const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const documents = allDocuments();
const shown = documents.flatMap(({ path, text }) => {
  const inline = [...text.matchAll(/`((?:npm run|npx embedless) [^`\n]+)`/g)].map(([, command]) => command!);
  return [...commandsOf(text), ...inline].map((command) => ({ path, command }));
});

const scripts = Object.keys((JSON.parse(read("package.json")) as { scripts: object }).scripts);
const benches = readdirSync(join(ROOT, "test", "bench"))
  .filter((file) => file.endsWith(".ts"))
  .flatMap((file) => [...read(`test/bench/${file}`).matchAll(/^ {2}name: "([a-z-]+)",$/gm)].map(([, name]) => name!));
const main = read("src/cli/main.ts");
const verbs = [...main.matchAll(/\.command\("(\w+)/g)].map(([, verb]) => verb!);

/** What is wrong with a command; nothing if it is of another program. */
function wrongWith(command: string): string | undefined {
  const script = /^npm run (?:--silent |-s )?([\w:]+)/.exec(command)?.[1];
  if (script !== undefined && !scripts.includes(script)) return `no script ${script}`;
  const bench = /^npm run bench -- ([\w-]+)/.exec(command)?.[1];
  if (bench !== undefined && !bench.startsWith("--") && !benches.includes(bench)) return `no bench ${bench}`;
  const verb = /^npx embedless ([a-z]\w*)/.exec(command)?.[1];
  if (verb !== undefined && !verbs.includes(verb)) return `no command ${verb}`;
  if (!command.startsWith("npx embedless")) return undefined;
  const option = [...command.matchAll(/ (--[a-z-]+)/g)].map(([, name]) => name!).find((name) => !isOption(name));
  return option === undefined ? undefined : `no option ${option}`;
}

const isOption = (name: string) => name === "--help" || main.includes(`"${name}`);

it("there are commands, benches and scripts to check", () => {
  expect(shown.length).toBeGreaterThan(30);
  expect(verbs).toContain("build");
  expect(benches).toContain("event-loop");
});

it("every command of the documents exists", () => {
  expect(shown.filter(({ command }) => wrongWith(command) !== undefined)).toEqual([]);
});

it("docs/cli.md shows every command of the command line", () => {
  const page = documents.find(({ path }) => path === "docs/cli.md")!;
  const there = commandsOf(page.text).map((command) => /^npx embedless (\w+)/.exec(command)?.[1]);
  expect(verbs.filter((verb) => !there.includes(verb))).toEqual([]);
});

it("every bench of a table in docs/benchmarks.md exists", () => {
  const page = documents.find(({ path }) => path === "docs/benchmarks.md")!;
  const named = [...page.text.matchAll(/^\|.*\| `([a-z-]+)` \|$/gm)].map(([, name]) => name!);
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((name) => !benches.includes(name))).toEqual([]);
});

describe("the check itself", () => {
  it.each([
    ["npm run bench -- codes --json", undefined],
    ["npm run bench -- --help", undefined],
    ["npm run nothing", "no script nothing"],
    ["npm run bench -- nothing", "no bench nothing"],
    ["npx embedless stats a.db --measure", undefined],
    ["npx embedless sing", "no command sing"],
    ["npx embedless stats a.db --louder", "no option --louder"],
    ["cargo build", undefined],
  ])("%s: %s", (command, wrong) => {
    expect(wrongWith(command)).toBe(wrong);
  });
});
