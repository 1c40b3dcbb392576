import { availableParallelism } from "node:os";
import { needsExactBytes } from "../../src/embed/forked_model.js";
import { minilm } from "../../src/embed/minilm/minilm.js";
import { readPassages } from "../support/data.js";
import { choose, seeded } from "../support/seeded.js";
import { BareModels } from "./bare_models.js";
import type { Bench, BenchContext } from "./bench.js";
import { mean, round } from "./report.js";

const TEXTS = 256;
const ROUNDS = 5;
/** The pool must reach this share of what the bare runtime does. */
const WANTED = 0.9;

/** The embedder's processes against the bare runtime in as many. */
export const embed: Bench = {
  name: "embed",
  about: "passages a second through the bundled model's processes, beside a bare ONNX loop",
  needsData: true,
  run: measureEmbedding,
};

async function measureEmbedding({ report, data }: BenchContext): Promise<void> {
  const processes = availableParallelism();
  const texts = choose(readPassages(data), TEXTS, seeded(2)).map((passage) => passage.text);
  const embedder = minilm({ workers: processes });
  const chosen = needsExactBytes();
  const bare = await BareModels.start(processes, texts, chosen);
  const other = await BareModels.start(processes, texts, !chosen);
  try {
    await embedder.embedDocuments(texts.slice(0, 16)); // starts the processes
    const pooled: number[] = [];
    const alone: number[] = [];
    const otherwise: number[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      pooled.push(await secondsOf(() => embedder.embedDocuments(texts)));
      alone.push(await secondsOf(() => bare.run()));
      otherwise.push(await secondsOf(() => other.run()));
    }
    const perSecond = (all: readonly number[]) => round(TEXTS / mean(all), 2);
    const [passagesPerSecond, barePassagesPerSecond] = [perSecond(pooled), perSecond(alone)];
    const [exactPerSecond, plainPerSecond] = (chosen ? [alone, otherwise] : [otherwise, alone]).map(perSecond);
    const ratio = round(passagesPerSecond / barePassagesPerSecond, 3);
    const rounds = pooled.map((seconds, i) => round(alone[i]! / seconds, 3)).join(" ");
    report.figures("embed", [
      {
        record: { passagesPerSecond, barePassagesPerSecond, exactPerSecond, plainPerSecond },
        beside: { processes, ratio, rounds, bytes: chosen ? "exact, asked for" : "as the processor does it" },
      },
    ]);
    report.target(`at least ${WANTED} of the bare loop`, ratio >= WANTED);
  } finally {
    await embedder.close?.();
    bare.end();
    other.end();
  }
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now();
  await work();
  return (performance.now() - before) / 1000;
}
