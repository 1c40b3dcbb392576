import { expect, it } from "vitest";
import { campaignOf } from "./campaigns/all.js";

it("opening, searching and closing leaves no file, thread, handle or memory behind", async () => {
  const { run, seed, short: trials } = campaignOf("open and close");
  expect((await run({ trials, seed })).failures).toEqual([]);
}, 240_000);
