import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { root } from "./subjects.js";

/** How many tests of a group a store passes. */
export interface Cell {
  passed: number;
  total: number;
}

/** A store's results: name of the group to its cell, in the order of the suite. */
export type Results = Map<string, Cell>;

/** What vitest writes about a run, as far as it is read here. */
export interface Report {
  testResults: { assertionResults: Test[] }[];
}

/** One test; the second of the titles above it is the group. Neither passed nor failed: the process ended before, or it was left out. */
interface Test {
  ancestorTitles: string[];
  title: string;
  status: string;
}

/**
 * Runs the contract suite against one store. Failures are results. Where a store ends the process halfway, which some do,
 * each group that was not finished is run by itself, and then each test; one that ends the process again has failed.
 */
export async function runSuite(name: string): Promise<Results> {
  const tests = new Map(testsOf(await report(name)).map((test) => [nameOf(test), test]));
  for (const depth of [2, 3]) {
    const prefixes = [...tests.values()].filter(isUnfinished).map((test) => nameOf(test, depth));
    for (const prefix of new Set(prefixes)) {
      for (const test of testsOf(await report(name, prefix, depth === 3))) {
        if (!isUnfinished(test)) tests.set(nameOf(test), test);
      }
    }
  }
  return resultsOf({ testResults: [{ assertionResults: [...tests.values()] }] });
}

function testsOf({ testResults }: Report): Test[] {
  return testResults.flatMap(({ assertionResults }) => assertionResults);
}

function isUnfinished({ status }: Test): boolean {
  return status !== "passed" && status !== "failed";
}

/** As vitest writes a test: the titles from the outermost on, all or the first ones. */
function nameOf({ ancestorTitles, title }: Test, depth?: number): string {
  return [...ancestorTitles, title].slice(0, depth).join(" ");
}

/** Runs the suite, or the tests whose names begin with `prefix`, or the one that is called so. */
async function report(name: string, prefix?: string, isWhole = false): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), "embedless-compare-"));
  const file = join(folder, "report.json");
  const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs");
  const args = [
    vitest,
    "run",
    "--config",
    "test/contract/compare.config.ts",
    "--reporter=json",
    `--outputFile=${file}`,
  ];
  const pattern = prefix?.replace(/[()[\].*+?^$|{}\\]/g, "\\$&");
  if (pattern) args.push("--testNamePattern", `^${pattern}${isWhole ? "$" : " "}`);
  const options = { cwd: root, env: { ...process.env, EMBEDLESS_SUBJECT: name }, timeout: 300_000 };
  try {
    await new Promise<void>((resolve) => {
      // Its exit code says that tests failed, which is what is asked.
      execFile(process.execPath, args, options, () => resolve());
    });
    return JSON.parse(await readFile(file, "utf8")) as Report;
  } catch {
    return { testResults: [] };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Counts a report's tests by group: the title below that of the store. */
export function resultsOf(report: Report): Results {
  const results: Results = new Map();
  for (const { ancestorTitles, status } of testsOf(report)) {
    const group = ancestorTitles[1];
    if (group === undefined) continue;
    const counts = results.get(group) ?? { passed: 0, total: 0 };
    counts.total++;
    if (status === "passed") counts.passed++;
    results.set(group, counts);
  }
  return results;
}

/** One row a group of the first store, one cell a store. What a store's run did not get to counts as not passed. */
export function rowsOf(stores: ReadonlyMap<string, Results>): { behaviour: string; cells: Record<string, Cell> }[] {
  const [reference] = stores.values();
  return [...(reference ?? [])].map(([behaviour, { total }]) => {
    const cells = [...stores].map(([name, results]) => {
      const passed = results.get(behaviour)?.passed ?? 0;
      return [name, { passed, total }] as const;
    });
    return { behaviour, cells: Object.fromEntries(cells) };
  });
}

/** The rows as a table in Markdown, aligned for reading as it is. */
export function tableOf(rows: ReturnType<typeof rowsOf>): string {
  const names = Object.keys(rows[0]?.cells ?? {});
  const lines = [
    ["a LangChain vector store should", ...names],
    ...rows.map(({ behaviour, cells }) => [behaviour, ...names.map((name) => cellText(cells[name]!))]),
  ];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const written = lines.map((line) => `| ${line.map((text, column) => text.padEnd(widths[column]!)).join(" | ")} |`);
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [written[0], rule, ...written.slice(1)].join("\n");
}

function cellText({ passed, total }: Cell): string {
  if (passed === total) return "yes";
  return passed === 0 ? "no" : `${passed} of ${total}`;
}
