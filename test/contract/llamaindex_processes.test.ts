// Several processes on one file through the LlamaIndex adapter: each finds what it wrote at once, and the others' too.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { asking, idsIn, nodeStore } from "../support/llamaindex_store.js";
import { programPath } from "../support/programs.js";
import { temporaryFile } from "../support/store.js";

const COUNT = 12;
const NAMES = ["ann", "bob", "eve"];

it("three processes write and ask side by side, and a fourth sees all of it and deletes", async () => {
  const path = await temporaryFile();
  const watcher = nodeStore({ path });
  await watcher.store();
  const run = async (name: string) => {
    const args = [programPath("llamaindex_process"), path, name, String(COUNT)];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 50_000 });
    return JSON.parse(stdout) as { found: number; all: number };
  };
  const told = await Promise.all(NAMES.map(run));
  expect(told.map(({ found }) => found)).toEqual(NAMES.map(() => COUNT));
  // Whoever ended last saw all.
  expect(Math.max(...told.map(({ all }) => all))).toBe(NAMES.length * COUNT);
  expect(await idsIn(watcher)).toHaveLength(NAMES.length * COUNT);
  expect((await watcher.query(asking("number7 by bob", { similarityTopK: 1 }))).ids).toEqual(["bob-7"]);
  await watcher.delete("bob");
  expect(await run("ann")).toEqual({ found: COUNT, all: 2 * COUNT });
}, 60_000);
