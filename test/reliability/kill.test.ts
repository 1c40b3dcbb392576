import { expect, it } from "vitest";
import { campaignOf } from "./campaigns/all.js";

it("processes that are killed lose nothing that was acknowledged, and leave no lock and no half batch", async () => {
  const { run, seed, short: trials } = campaignOf("kill -9");
  const { n, failures, counts } = await run({ trials, seed });
  expect(failures).toEqual([]);
  expect(n).toBe(trials);
  // Every operation must have been interrupted, or nothing was tested.
  for (const name of ["add", "delete", "compact", "backup"]) {
    expect(counts![`killed during ${name}`], name).toBeGreaterThan(trials / 50);
  }
}, 600_000);
