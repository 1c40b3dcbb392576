import { SET_NAMES } from "../../support/data.js";
import { type Report, round } from "../report.js";
import type { Engine } from "./engine.js";
import { type Ladder, RECALLS, type Rung, timeAt } from "./ladder.js";

const SHIPPED = "hnswlib-node";
const NATIVE = "hnswlib-node -march=native";
/** Times faster than the fastest peer as shipped, and than hnswlib compiled for the processor. */
const FASTER = [
  { index: "vamana float32", shipped: 1.5, native: 1.15 },
  { index: "vamana float16", shipped: 2, native: 1.5 },
  { index: "vamana lvq8", shipped: 2, native: 1.5 },
];
/** Most of hnswlib's build, in time and in processor time. */
const BUILD = { seconds: 0.4, cpuSeconds: 0.8 };
/**
 * What SVS 0.5 and hnswlib 0.8, both compiled for the processor and on float16 and float32, need on these vectors on
 * another machine, one thread: microseconds at a recall.
 */
const SVS = {
  questions: { svs: { us: 126, recall: 0.958 }, hnswlib: { us: 325, recall: 0.97 } },
  sentences: { svs: { us: 81, recall: 0.963 }, hnswlib: { us: 136, recall: 0.951 } },
};

/** All engines at equal recall, and which of the stated targets were reached. */
export function reportTargets(report: Report, ladders: readonly Ladder[]): void {
  const engines = [...new Set(ladders.map(({ engine }) => engine))];
  const rungsOf = (engine: Engine, set: string): readonly Rung[] =>
    ladders.find((one) => one.engine === engine && one.set === set)!.rungs;
  const fastest = (set: string, recall: number, chosen: (engine: Engine) => boolean) =>
    Math.min(...engines.filter(chosen).map((engine) => orInfinity(timeAt(recall, rungsOf(engine, set)))));
  report.aside(
    "microseconds at equal recall",
    engines.map((engine) => ({
      engine: engine.engine,
      index: engine.index,
      ...Object.fromEntries(
        SET_NAMES.flatMap((set) =>
          RECALLS.map((recall) => [`${set} ${recall}`, round(timeAt(recall, rungsOf(engine, set)), 1)]),
        ),
      ),
      buildSeconds: round(engine.build.seconds, 1),
      buildCpu: round(engine.build.cpuSeconds, 1),
      bytes: round(engine.bytesPerVector, 0),
    })),
  );
  const shipped = (engine: Engine) => engine.engine === SHIPPED || engine.engine === "usearch";
  const compiled = (engine: Engine) => engine.engine === NATIVE;
  for (const target of FASTER) {
    const one = engines.find(({ engine, index }) => engine === "embedless" && index === target.index)!;
    for (const [name, chosen, least] of [
      ["the fastest peer as shipped", shipped, target.shipped],
      [NATIVE, compiled, target.native],
    ] as const) {
      if (!engines.some(chosen)) continue;
      const ratios = SET_NAMES.flatMap((set) =>
        RECALLS.map((recall) => fastest(set, recall, chosen) / timeAt(recall, rungsOf(one, set))),
      );
      const words = `${one.index}: ${least} times faster than ${name}`;
      report.target(`${words} (${ratios.map((ratio) => round(ratio, 2)).join(", ")})`, Math.min(...ratios) >= least);
    }
  }
  const peer = engines.find(({ engine }) => engine === SHIPPED);
  if (peer) reportBeside(report, engines, peer);
  reportSvs(report, engines, rungsOf);
}

/** Build and memory beside hnswlib with its default settings. */
function reportBeside(report: Report, engines: readonly Engine[], peer: Engine): void {
  for (const one of engines.filter(({ engine, index }) => engine === "embedless" && index.startsWith("vamana"))) {
    if (!one.index.endsWith("packed")) {
      const seconds = one.build.seconds / peer.build.seconds;
      const cpu = one.build.cpuSeconds / peer.build.cpuSeconds;
      report.target(
        `${one.index}: build of ${BUILD.seconds} of hnswlib's time (${round(seconds, 2)}), ${BUILD.cpuSeconds} of its CPU (${round(cpu, 2)})`,
        seconds <= BUILD.seconds && cpu <= BUILD.cpuSeconds,
      );
    }
    const most = one.index.includes("float32") ? 1 : 0.5;
    const memory = one.bytesPerVector / peer.bytesPerVector;
    report.target(`${one.index}: at most ${most} of hnswlib's memory (${round(memory, 3)})`, memory <= most);
  }
}

/** The ratio to hnswlib that SVS has, at the recalls at which it was measured. */
function reportSvs(
  report: Report,
  engines: readonly Engine[],
  rungsOf: (engine: Engine, set: string) => readonly Rung[],
): void {
  const one = engines.find(({ engine, index }) => engine === "embedless" && index === "vamana float16")!;
  for (const name of [SHIPPED, NATIVE]) {
    const peer = engines.find(({ engine }) => engine === name);
    if (!peer) continue;
    for (const set of SET_NAMES) {
      const { svs, hnswlib } = SVS[set];
      const ratio = timeAt(svs.recall, rungsOf(one, set)) / timeAt(hnswlib.recall, rungsOf(peer, set));
      const wanted = svs.us / hnswlib.us;
      report.target(
        `${set}: level with SVS, ${round(wanted, 2)} of hnswlib's time (${round(ratio, 2)} of ${name})`,
        ratio <= wanted,
      );
    }
  }
}

function orInfinity(value: number): number {
  return Number.isNaN(value) ? Number.POSITIVE_INFINITY : value;
}
