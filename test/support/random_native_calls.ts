/**
 * Calls every function, method and getter of the addon directly with random arguments: half of the time valid ones, else
 * spoilt. Whatever comes in, an answer or an exception with a code must come out and the process must live:
 * `node random_native_calls.js [--calls N] [--seed S] [--trace]`. Prints one JSON line and exits with 1 for a violation.
 * `--trace` names each call on stderr before it is made, to find the one that ends the process.
 */

import { writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { EmbedlessError } from "../../src/base/errors.js";
import { native } from "../../src/native/native.js";
import {
  adopt,
  CATALOGUE,
  type Entry,
  type Fixture,
  makeFixture,
  missingFromCatalogue,
} from "./native_calls/catalogue.js";
import { below, junk, Planned, pick, type Random, seeded, spoil } from "./native_calls/junk.js";

/** Calls under way at once; then all are awaited. */
const TOGETHER = 8;
/** Calls after which all objects are replaced by fresh ones. */
const RENEWAL = 2_000;
/** Longest that calls under way may take. */
const MOST_MS = 20_000;

const { values } = parseArgs({
  options: {
    calls: { type: "string", default: "30000" },
    seed: { type: "string", default: "1" },
    trace: { type: "boolean", default: false },
  },
});
const calls = Number(values.calls);
const random = seeded(Number(values.seed));
const counts = { worked: 0, refused: 0, planned: 0 };
const codes: Record<string, number> = {};
const worked: Record<string, number> = {};
const names = Object.keys(CATALOGUE);
const total = names.reduce((sum, name) => sum + (CATALOGUE[name]!.weight ?? 1), 0);

function fail(call: number, name: string, why: string): never {
  console.log(JSON.stringify({ violation: why, call, name, seed: Number(values.seed) }));
  process.exit(1);
}

function anyName(): string {
  let left = random() * total;
  for (const name of names) {
    left -= CATALOGUE[name]!.weight ?? 1;
    if (left < 0) return name;
  }
  return names[0]!;
}

function take(call: number, name: string, error: unknown): void {
  if (error instanceof Planned) {
    counts.planned++;
    return;
  }
  const code = error instanceof Error ? (error as Error & { code?: unknown }).code : undefined;
  if (typeof code !== "string" || (error as Error).message === "") {
    const shown = error instanceof Error ? (error.stack ?? String(error)) : String(error);
    fail(call, name, `an exception without a code: ${shown}`);
  }
  counts.refused++;
  codes[code] = (codes[code] ?? 0) + 1;
}

/** Makes the call. Arguments that are read from objects may throw by plan, which is no answer of the addon's. */
function make(entry: Entry, name: string, self: object, args: unknown[], isValid: boolean, fixture: Fixture): unknown {
  const key = name.slice(name.indexOf(".") + 1);
  if (entry.on === undefined) {
    const exported = (fixture.addon as unknown as Record<string, (...all: unknown[]) => unknown>)[name]!;
    return entry.constructs ? Reflect.construct(exported, args) : exported(...args);
  }
  const prototype = Object.getPrototypeOf(self) as Record<string, (...all: unknown[]) => unknown>;
  const all = Object.values(fixture.objects).flat() as object[];
  const owner = isValid || below(random, 8) !== 0 ? self : junk(random, all);
  if (!entry.getter) return prototype[key]!.apply(owner, args);
  return Object.getOwnPropertyDescriptor(prototype, key)!.get!.call(owner);
}

/** One call; settles when its answer has come. */
async function one(call: number, fixture: Fixture, chance: Random): Promise<void> {
  const name = anyName();
  const entry = CATALOGUE[name]!;
  const all = Object.values(fixture.objects).flat() as object[];
  const self = entry.on === undefined ? fixture.addon : pick(chance, fixture.objects[entry.on] as object[]);
  const isValid = chance() < 0.5;
  const valid = entry.args(fixture, chance, self as never);
  const args = isValid ? valid : spoil(chance, valid, all);
  if (values.trace) writeSync(2, `${call} ${name}\n`);
  let answer: unknown;
  try {
    answer = make(entry, name, self, args, isValid, fixture);
  } catch (error) {
    // A method on a foreign object never reaches native code: the engine itself throws.
    if (error instanceof TypeError && error.message === "Illegal invocation" && !isValid && entry.on) return;
    if (entry.promise) fail(call, name, `a throw instead of a rejection: ${String(error)}`);
    take(call, name, error);
    return;
  } finally {
    // Whatever class of errors was set, the next calls are judged by the right one.
    if (name === "useErrorClass")
      (fixture.addon as never as { useErrorClass(c: unknown): void }).useErrorClass(EmbedlessError);
  }
  if (entry.promise && !(answer instanceof Promise)) fail(call, name, "no promise");
  try {
    adopt(fixture, await answer, chance);
    counts.worked++;
    worked[name] = (worked[name] ?? 0) + 1;
  } catch (error) {
    take(call, name, error);
  }
}

const started = performance.now();
let peak = 0;
let fixture = await makeFixture(native(), random);
const missing = missingFromCatalogue(fixture);
if (missing.length > 0) fail(0, missing.join(", "), "the catalogue lacks what the addon offers");
for (let call = 0; call < calls; call += TOGETHER) {
  if (call > 0 && call % RENEWAL < TOGETHER) fixture = await makeFixture(native(), random);
  const size = Math.min(TOGETHER, calls - call);
  const batch = Promise.all(Array.from({ length: size }, (_, i) => one(call + i, fixture, random)));
  const timer = new AbortController();
  const late = sleep(MOST_MS, "late", { signal: timer.signal }).catch(() => "");
  if ((await Promise.race([batch, late])) === "late") fail(call, "one of eight", `no answer within ${MOST_MS} ms`);
  timer.abort();
  if (call % 800 === 0) peak = Math.max(peak, process.memoryUsage.rss());
}
const never = names.filter((name) => worked[name] === undefined);
console.log(
  JSON.stringify({
    ...{ calls, seed: Number(values.seed), ...counts, codes, never },
    ...{ peakMb: Math.round(peak / 2 ** 20), seconds: Math.round((performance.now() - started) / 100) / 10 },
  }),
);
