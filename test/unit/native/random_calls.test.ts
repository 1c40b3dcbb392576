// Every native function and method with random arguments, in a process of its own: an abort of it must not end the tests.
// More of them by command: node dist/test/support/random_native_calls.js --calls 1000000 --seed 2
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const PROGRAM = fileURLToPath(new URL("../../../dist/test/support/random_native_calls.js", import.meta.url));
const CALLS = 30_000;

it("random arguments get an answer or an exception with a code, and the process lives", () => {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, "--calls", String(CALLS)], {
    encoding: "utf8",
    timeout: 110_000,
  });
  expect({ status, signal, stderr, violation: status === 0 ? "" : stdout }).toEqual({
    ...{ status: 0, signal: null, stderr: "", violation: "" },
  });
  const counts = JSON.parse(stdout) as { worked: number; refused: number; never: string[]; peakMb: number };
  // Both halves were reached: valid calls that worked, of every function, and spoilt ones that were refused.
  expect(counts.never).toEqual([]);
  expect(counts.worked).toBeGreaterThan(CALLS / 2);
  expect(counts.refused).toBeGreaterThan(CALLS / 10);
  expect(counts.peakMb).toBeLessThan(600);
}, 120_000);
