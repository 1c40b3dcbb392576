// An environment may end during any native work: the process then ends cleanly and soon, without waiting for the work.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

const root = dirname(createRequire(import.meta.url).resolve("embedless/package.json"));
const file = [
  join(root, "build", "Release", "embedless.node"),
  join(root, "prebuilds", `${process.platform}-${process.arch}`, "embedless.node"),
].find((path) => existsSync(path))!;
const works = [
  ...["trainCodebook", "encode", "search", "guided", "timeScan", "buildGraph", "loadGraph"],
  ...["extend", "repair", "thin", "renumber", "save"],
];

function run(script: string, work: string, ending: string) {
  const path = join(import.meta.dirname, script);
  return spawnSync(process.execPath, [path, file, work, ending], { encoding: "utf8", timeout: 25_000 });
}

it("a script ends by itself once its work is finished, not before", () => {
  const { status, signal, stderr, stdout } = run("teardown_worker.mjs", "encode", "wait");
  expect({ status, signal, stderr, stdout }).toEqual({ status: 0, signal: null, stderr: "", stdout: "finished\n" });
});

describe.each(works)("during %s", (work) => {
  it("worker.terminate() ends the worker", () => {
    const { status, signal, stderr, stdout } = run("teardown_host.mjs", work, "terminate");
    expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: "" });
    expect(stdout).toMatch(/^terminated after \d+ ms\n$/);
  });

  it("process.exit() ends busy workers", () => {
    const { status, signal, stderr } = run("teardown_host.mjs", work, "exit");
    expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: "" });
  });

  it("process.exit() ends a busy main thread", () => {
    const { status, signal, stderr } = run("teardown_worker.mjs", work, "exit");
    expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: "" });
  });

  it("an uncaught exception ends a busy main thread", () => {
    const { status, signal, stderr } = run("teardown_worker.mjs", work, "throw");
    expect({ status, signal }).toEqual({ status: 1, signal: null });
    expect(stderr).toContain("the planned end");
  });
});
