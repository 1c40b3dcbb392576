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
  testResults: { assertionResults: { ancestorTitles: string[]; status: string }[] }[];
}

/** Runs the contract suite against one store. Failures are results; a run that gives none at all is an empty map. */
export async function runSuite(name: string): Promise<Results> {
  const folder = await mkdtemp(join(tmpdir(), "embedless-compare-"));
  const report = join(folder, "report.json");
  const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs");
  const args = [vitest, "run", "--config", "test/contract/compare.config.ts"];
  const options = { cwd: root, env: { ...process.env, EMBEDLESS_SUBJECT: name }, timeout: 300_000 };
  try {
    await new Promise<void>((resolve) => {
      // Its exit code says that tests failed, which is what is asked.
      execFile(process.execPath, [...args, "--reporter=json", `--outputFile=${report}`], options, () => resolve());
    });
    return resultsOf(JSON.parse(await readFile(report, "utf8")) as Report);
  } catch {
    return new Map();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Counts a report's tests by group: the title below that of the store. */
export function resultsOf({ testResults }: Report): Results {
  const results: Results = new Map();
  for (const { ancestorTitles, status } of testResults.flatMap(({ assertionResults }) => assertionResults)) {
    const group = ancestorTitles[1];
    if (group === undefined) continue;
    const { passed, total } = results.get(group) ?? { passed: 0, total: 0 };
    results.set(group, { passed: passed + (status === "passed" ? 1 : 0), total: total + 1 });
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
