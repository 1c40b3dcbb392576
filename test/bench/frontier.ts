import { writeFileSync } from "node:fs";
import { packagePath } from "../../src/base/packages.js";
import { planSearch } from "../../src/codes/plan.js";
import { native } from "../../src/native/native.js";
import { readVectors, SET_NAMES } from "../support/data.js";
import type { Bench, BenchContext } from "./bench.js";
import { readAsked, searchReally } from "./calibration/asked.js";
import { CODE_NAMES, codeData } from "./coded_data.js";
import { type FrontierPoint, frontierSvg } from "./frontier_svg.js";
import { mean, round } from "./report.js";
import { Truth } from "./truth.js";

const K = 10;
const TARGET = 0.95;
/** Without it the mean over queries is nearly the same. */
const EVERY = 2;

/** Bytes against recomputes, as a picture. */
export const frontier: Bench = {
  name: "frontier",
  about: "bytes a vector against recomputes at recall@10 0.95 for every code; writes test/bench/frontier.svg",
  needsData: true,
  run: drawFrontier,
};

async function drawFrontier({ report, data, codes }: BenchContext): Promise<void> {
  const addon = native();
  const vectors = readVectors(data);
  const asked = (await readAsked(data, await Truth.of(addon, vectors), K)).filter((_, i) => i % EVERY === 1);
  const points: (FrontierPoint & { recall: number })[] = [];
  for (const code of codes ?? CODE_NAMES) {
    const { index, bytesPerVector } = await codeData(addon, vectors, code, "trained", data);
    const plan = planSearch(K, TARGET, { code: index.coder });
    for (const set of SET_NAMES) {
      const found = [];
      for (const query of asked.filter((one) => one.set === set)) {
        found.push(await searchReally(index, vectors, query, K, plan));
      }
      points.push({
        code,
        family: familyOf(code),
        set,
        bytes: round(bytesPerVector, 1),
        recomputes: round(mean(found.map(({ recomputed }) => recomputed)), 2),
        recall: round(mean(found.map(({ recall }) => recall)), 4),
      });
    }
  }
  report.figures(
    "frontier",
    points.map(({ family: _, ...record }) => ({ record: { ...record, target: TARGET, k: K } })),
  );
  const file = packagePath("test", "bench", "frontier.svg");
  const title = `Bytes a vector against exact looks for recall@${K} ${TARGET}, 50,000 passages of 384 dims`;
  writeFileSync(file, frontierSvg(points, title));
  report.note(`  written: ${file}`);
}

function familyOf(code: string): FrontierPoint["family"] {
  if (code.startsWith("lvq")) return "lvq";
  return code.startsWith("leanvec") ? "leanvec" : "pq";
}
