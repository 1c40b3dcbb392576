import { sha256 } from "../../src/embed/model_folder.js";
import { native } from "../../src/native/native.js";
import type { NativeCoder } from "../../src/native/surface.js";
import { DATA_DIMS, readVectors } from "../support/data.js";
import { normal, seeded } from "../support/seeded.js";
import type { Bench, BenchContext } from "./bench.js";
import { trainOn } from "./codebook.js";
import { round } from "./report.js";

const VECTORS = 65_536;
/** Standard deviation of what is added to a vector's elements when it is used a second time; elements are about 0.05. */
const NOISE = 0.01;
/** Vectors of one call of `encode`. */
const ENCODED = 50_000;

/** Training and encoding. */
export const train: Bench = {
  name: "train",
  about: "time to train a codebook on 65,536 vectors with 1 and 2 threads, and to encode",
  needsData: true,
  run: measureTraining,
};

async function measureTraining({ report, data }: BenchContext): Promise<void> {
  const addon = native();
  const vectors = enlarged(readVectors(data));
  const runs: { threads: number; seconds: number; encodePerSecond: number; sha256: string }[] = [];
  for (const threads of [1, 2]) {
    const before = performance.now();
    const coder = await trainOn(addon, vectors, { threads });
    const seconds = round((performance.now() - before) / 1000, 2);
    runs.push({ threads, seconds, encodePerSecond: await encodeRate(coder, vectors), sha256: sha256(coder.save()) });
  }
  report.figures(
    "train",
    runs.map(({ sha256: name, ...record }) => ({ record, beside: { sha256: name.slice(0, 12) } })),
  );
  report.target("the same bytes for 1 and 2 threads", runs[0]!.sha256 === runs[1]!.sha256);
  report.target("2 threads train in less than 20 s", runs[1]!.seconds < 20);
  report.target(
    "one core encodes at least 20,000 vectors a second",
    runs.every((run) => run.encodePerSecond >= 20_000),
  );
}

/** Vectors a second of one core, by the time that the processor worked: a call of `encode` uses one thread. */
async function encodeRate(coder: NativeCoder, vectors: Float32Array): Promise<number> {
  const before = process.cpuUsage();
  await coder.encode(vectors.subarray(0, ENCODED * DATA_DIMS));
  const { user, system } = process.cpuUsage(before);
  return Math.round((ENCODED * 1e6) / (user + system));
}

/** `VECTORS` vectors: those given, and then the same again with noise. */
function enlarged(vectors: Float32Array): Float32Array {
  const random = seeded(1);
  const all = new Float32Array(VECTORS * DATA_DIMS);
  all.set(vectors.subarray(0, all.length));
  for (let i = vectors.length; i < all.length; i++) all[i] = vectors[i - vectors.length]! + NOISE * normal(random);
  return all;
}
