import { expect, it } from "vitest";
import { campaignOf } from "./campaigns/all.js";

it.each(["truncation", "damaged pages", "damaged bytes", "damaged bits"])(
  "%s: nothing crashes, nothing hangs, no answer is wrong, and what is stored does not change unnoticed",
  async (test) => {
    const { run, seed, short: trials } = campaignOf(test);
    const { n, failures, counts } = await run({ trials, seed });
    expect(failures).toEqual([]);
    expect(n).toBe(trials);
    // Most changes must have met something, or nothing was tested.
    expect(counts!["noticed"]).toBeGreaterThan(trials / 3);
  },
  600_000,
);
