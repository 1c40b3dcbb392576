import { CAMPAIGNS } from "../reliability/campaigns/all.js";
import type { Bench } from "./bench.js";
import { round } from "./report.js";

/** Failures that are told in full. */
const MOST_TOLD = 20;
const TELL_MS = 10_000;

/** Faults of every kind, tried many times. */
export const reliability: Bench = {
  name: "reliability",
  about: "kills, full disks, odd places and damage, and what they did; minutes, with --full hours",
  needsData: false,
  async run({ report, full }) {
    for (const { test, about, run, seed, short, full: long } of CAMPAIGNS) {
      const trials = full ? long : short;
      if (trials === 0) continue;
      report.note(`\n${test}: ${about}`);
      const began = performance.now();
      let told = began;
      const { n, failures, counts, skipped } = await run({
        trials,
        seed,
        progress(done, of) {
          if (performance.now() - told < TELL_MS) return;
          told = performance.now();
          process.stderr.write(`${test}: ${done} of ${of}\n`);
        },
      });
      if (skipped !== undefined) {
        process.stderr.write(`Skipped ${test}: ${skipped}.\n`);
        continue;
      }
      const seconds = round((performance.now() - began) / 1000, 1);
      for (const failure of failures.slice(0, MOST_TOLD)) process.stderr.write(`${failure}\n`);
      if (failures.length > 0) process.exitCode = 1;
      report.figures("reliability", [{ record: { test, n, failures: failures.length, seed, seconds } }]);
      if (counts)
        report.note(
          `  ${Object.entries(counts)
            .map(([what, count]) => `${what}: ${count}`)
            .join(", ")}`,
        );
    }
  },
};
