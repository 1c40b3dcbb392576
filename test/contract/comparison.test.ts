import { expect, it } from "vitest";
import { resultsOf, rowsOf, runSuite, tableOf } from "./comparison.js";

/** A report of tests, each `[group, status]`. */
const reportOf = (...tests: [group: string, status: string][]) => ({
  testResults: [
    { assertionResults: tests.map(([group, status]) => ({ ancestorTitles: ["A", group], title: "t", status })) },
  ],
});

it("counts what each store passes, by group, in the order of the first", () => {
  const ours = resultsOf(reportOf(["k", "passed"], ["MMR", "passed"], ["k", "passed"]));
  const other = resultsOf(reportOf(["MMR", "failed"], ["k", "passed"], ["k", "pending"]));
  expect(other.get("k")).toEqual({ passed: 1, total: 2 });
  const rows = rowsOf(
    new Map([
      ["A", ours],
      ["B", other],
      ["C", new Map()],
    ]),
  );
  expect(rows).toEqual([
    { behaviour: "k", cells: { A: { passed: 2, total: 2 }, B: { passed: 1, total: 2 }, C: { passed: 0, total: 2 } } },
    { behaviour: "MMR", cells: { A: { passed: 1, total: 1 }, B: { passed: 0, total: 1 }, C: { passed: 0, total: 1 } } },
  ]);
  expect(tableOf(rows)).toBe(
    [
      "| a LangChain vector store should | A   | B      | C  |",
      "|---------------------------------|-----|--------|----|",
      "| k                               | yes | 1 of 2 | no |",
      "| MMR                             | yes | no     | no |",
    ].join("\n"),
  );
});

it("runs the contract against LangChain's own store in memory, which does some of it", async () => {
  const results = await runSuite("MemoryVectorStore");
  const share = (group: string) => results.get(group)!.passed / results.get(group)!.total;
  for (const group of ["empty store", "MMR", "function filters", "score: cosine, higher is better"]) {
    expect(share(group), group).toBe(1);
  }
  for (const group of ["ids come back", "delete by id", "upsert", "persistence", "two processes"]) {
    expect(share(group), group).toBe(0);
  }
}, 60_000);
