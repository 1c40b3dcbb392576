import { expect, it } from "vitest";
import { campaignOf } from "./campaigns/all.js";

it("a store in an odd place works or says why not", async () => {
  const { run, seed } = campaignOf("environment");
  const { n, failures } = await run({ trials: 1, seed });
  expect(failures).toEqual([]);
  expect(n).toBeGreaterThan(40);
}, 120_000);

it.each(["disk full", "file size limit"])(
  "%s: an error with a code, nothing is lost, and it works again when there is room",
  async (test) => {
    const { run, seed, short: trials } = campaignOf(test);
    const { n, failures, counts, skipped } = await run({ trials, seed });
    if (skipped !== undefined) return console.warn(`Skipped ${test}: ${skipped}.`);
    expect(failures).toEqual([]);
    expect(n).toBe(trials);
    // Some must have failed and some not, or the space was never scarce.
    expect((counts!["NO_SPACE"] ?? 0) + (counts!["IO"] ?? 0)).toBeGreaterThan(trials / 10);
    expect(counts!["enough room"]).toBeGreaterThan(trials / 10);
  },
  300_000,
);
