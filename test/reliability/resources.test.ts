import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { programPath } from "../support/programs.js";
import { temporaryFile } from "../support/store.js";
import { campaignOf } from "./campaigns/all.js";

it("opening, searching and closing leaves no file, thread, handle or memory behind", async () => {
  const { run, seed, short: trials } = campaignOf("open and close");
  expect((await run({ trials, seed })).failures).toEqual([]);
}, 240_000);

it("adding takes no more memory however many passages come", async () => {
  const args = ["--expose-gc", programPath("add_stream"), await temporaryFile(), "10000", "50000"];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 220_000 });
  const [early, late] = JSON.parse(stdout) as [number, number];
  // The ids alone of so many more would take 3 MB.
  expect(late - early).toBeLessThan(1e6);
}, 240_000);
