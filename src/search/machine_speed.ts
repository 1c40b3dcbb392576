import type { Embedder } from "../embed/embedder.js";
import { embedPassages, embedQuestion, type GuardOptions } from "../embed/guard.js";
import { limitsOf } from "../embed/limits.js";
import { throwIfAborted } from "../errors.js";
import type { NativeAddon } from "../native.js";
import type { MachineSpeed } from "../types.js";

/** Codes scanned to learn the speed: enough for all cores to take part, 13 MB. */
const SCANNED = 262_144;
const CODE_BYTES = 48;
/** What the codebook of these codes is trained on; the speed of a scan depends on the bytes alone. */
const PROBE_DIMS = 64;
const PROBE_VECTORS = 512;
const SCAN_ROUNDS = 5;
/** Rows of a plain vector form scanned to learn the speed of codes that lie row by row. */
const ROWS_SCANNED = 16_384;
/** Passages embedded at least; each process of the embedder gets as many again. */
const EMBEDDED = 4;

/** About 750 characters, the length at which recomputes were counted. */
const SENTENCE = "A store that keeps no vectors embeds a passage again whenever its exact score decides. ";
const PASSAGE = SENTENCE.repeat(9);

/**
 * Measures what searches are made of on this machine, now: a question and passages of 750 characters through the embedder,
 * and the scan of codes by all cores. Takes a second or two, most of it the start of the model.
 *
 * @param given.turns For an embedder that is given one text at a time.
 * @throws what the embedder throws, and `ABORTED`
 */
export async function measureMachine(
  addon: NativeAddon,
  embedder: Embedder,
  given: Pick<GuardOptions, "signal" | "turns"> = {},
): Promise<MachineSpeed & { dims: number }> {
  const { signal } = given;
  const first = await embedQuestion(embedder, "How fast is this?", given);
  const questionMs = await timed(() => embedQuestion(embedder, "How fast is it now?", given));
  const passageMs = await measurePassages(embedder, given);
  throwIfAborted(signal);
  const scanNsPerByte = await measureScan(addon);
  throwIfAborted(signal);
  const rowNsPerDim = await measureRows(addon, first.length);
  return { questionMs, passageMs, scanNsPerByte, rowNsPerDim, dims: first.length };
}

/** Milliseconds a passage when as many are under way as the embedder takes. */
async function measurePassages(embedder: Embedder, options: GuardOptions): Promise<number> {
  const saysLimits = embedder.concurrency !== undefined || embedder.batch !== undefined;
  const isTold = options.turns === undefined && saysLimits;
  const count = isTold ? Math.max(EMBEDDED, limitsOf(embedder).concurrency) : EMBEDDED;
  // Texts differ, or an embedder that remembers its answers would look faster than it is.
  const texts = (round: string, count: number) => Array.from({ length: count }, (_, i) => `${round} ${i}. ${PASSAGE}`);
  await embedPassages(embedder, texts("First", EMBEDDED), options);
  return (await timed(() => embedPassages(embedder, texts("Second", count), options))) / count;
}

/** Nanoseconds a code byte, by all cores. */
async function measureScan(addon: NativeAddon): Promise<number> {
  const sample = pseudoRandom(PROBE_VECTORS * PROBE_DIMS);
  const coder = await addon.trainCodebook(sample, { dims: PROBE_DIMS, metric: "cosine", code: { bytes: CODE_BYTES } });
  const encoded = await coder.encode(sample);
  const index = addon.createIndex(coder);
  const copies = new Uint8Array(65_536 * coder.rowBytes);
  for (let at = 0; at < copies.length; at += encoded.rows.length) {
    copies.set(encoded.rows.subarray(0, Math.min(encoded.rows.length, copies.length - at)), at);
  }
  while (index.count < SCANNED) index.publish({ rows: { rows: copies, exceptions: new Uint8Array() } });
  const best = await bestScan(index, sample.subarray(0, PROBE_DIMS));
  return (best * 1e6) / index.count / (coder.rowBytes - 1);
}

/** Nanoseconds a dimension of codes that lie row by row, such as LVQ's. */
async function measureRows(addon: NativeAddon, dims: number): Promise<number> {
  const coder = addon.createVectorCoder("lvq8", dims, "cosine");
  const few = await coder.encode(pseudoRandom(64 * dims));
  const index = addon.createIndex(coder);
  while (index.count < ROWS_SCANNED) index.publish({ rows: few });
  return ((await bestScan(index, pseudoRandom(dims))) * 1e6) / index.count / dims;
}

async function bestScan(index: ReturnType<NativeAddon["createIndex"]>, query: Float32Array): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < SCAN_ROUNDS; round++) {
    best = Math.min(best, await timed(() => index.search(query, { k: 10, cap: 0, pool: 512 })));
  }
  return best;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now();
  await work();
  return performance.now() - before;
}

/** Numbers within -1 and 1 that are the same every time (a linear congruential generator). */
function pseudoRandom(count: number): Float32Array {
  const numbers = new Float32Array(count);
  let state = 1;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    numbers[i] = state / 2 ** 31 - 1;
  }
  return numbers;
}
