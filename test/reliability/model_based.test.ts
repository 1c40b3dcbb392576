// Random operations on a store, through two handles and other processes, against a plain model in memory. The seeds are fixed.
import { expect, it, test } from "vitest";
import { temporaryFile } from "../support/store.js";
import { campaignOf } from "./campaigns/all.js";
import { Episode } from "./model/episode.js";
import { KINDS } from "./model/traits.js";

test.each(KINDS.map((traits, seed) => ({ name: JSON.stringify(traits.options), traits, seed })))(
  "$name",
  async ({ traits, seed }) => {
    for (const salt of [1, 2, 3]) await new Episode(100 * seed + salt, traits, await temporaryFile(`${salt}.db`)).run();
  },
);

it("stores of any combination of options hold and answer what they should", async () => {
  const { run, seed, short: trials } = campaignOf("random operations");
  const { n, failures } = await run({ trials, seed });
  expect(failures).toEqual([]);
  expect(n).toBe(trials);
}, 1_800_000);
