/** `embedless stats`: shows what a store holds and how large it is. */

import type { Codes } from "../api/codes.js";
import type { QueryCost, Stats } from "../api/stats.js";
import { VectorStore } from "../index.js";
import { type ModelOptions, withModel } from "./embedders.js";
import { bytes, count, counted, milliseconds, ratio } from "./figures.js";
import { Working } from "./progress.js";
import { clip, oneLine, printJson, type Terminal, terminalOf } from "./terminal.js";

const CODEBOOKS: Record<Stats["codebook"], string> = {
  shipped: "the model's own, shipped with the package",
  own: "trained on this store",
  pending: "not yet trained",
  none: "none yet",
};

/** Options of the command line. */
export interface StatsCommandOptions extends ModelOptions {
  measure?: boolean;
  json?: boolean;
}

/** Prints the figures of an existing store. It never creates a file. */
export async function stats(path: string, options: StatsCommandOptions): Promise<void> {
  await withModel(options, path, async (opening) => {
    const store = await VectorStore.open(path, { create: false, readOnly: true, ...opening });
    try {
      const working = new Working(terminalOf(process.stderr));
      const measure = options.measure ?? false;
      const found = await working.at("Measuring this machine", () => store.stats({ measure }));
      if (options.json) printJson(found);
      else print(terminalOf(process.stdout), found);
    } finally {
      await store.close();
    }
  });
}

function print(terminal: Terminal, found: Stats): void {
  terminal.line(terminal.style("bold", found.path));
  const rows = rowsOf(found);
  const width = Math.max(...rows.map(([name]) => name.length));
  for (const [name, value] of rows)
    terminal.line(`  ${name.padEnd(width)}  ${clip(value, terminal.width - width - 4)}`);
}

function rowsOf(found: Stats): [name: string, value: string][] {
  const share = (part: number) => `${bytes(part)} (${ratio(part, found.rawBytes)} of the text)`;
  return [
    ["passages", count(found.passages)],
    ["embedder", oneLine(found.embedder?.replace(/(:sha256:[0-9a-f]{8})[0-9a-f]+$/, "$1") ?? "-")],
    ...doubtsOf(found),
    ["dims, metric", `${found.dims ?? "-"}, ${found.metric}`],
    ["codes", codesOf(found.codes)],
    ...codebookOf(found),
    ["text", bytes(found.rawBytes)],
    ["text, stored", share(found.textBytes)],
    ["whole store", share(found.fileBytes)],
    ["vectors", vectorsOf(found)],
    ["index", indexOf(found)],
    ...(found.query ? [["per question", costOf(found.query, found.vectors)] as [string, string]] : []),
  ];
}

/** Rows about an embedder that embeds one text at a time or cannot be recognised. */
function doubtsOf({ batchCosine, canaries, dims }: Stats): [string, string][] {
  const rows: [string, string][] = [];
  if (batchCosine !== undefined) {
    rows.push(["batches", `one text at a time: vectors differ in a batch (cosine ${batchCosine.toFixed(4)})`]);
  }
  if (dims !== undefined && canaries === 0)
    rows.push(["canaries", "none, so another model of the same name may go unnoticed"]);
  return rows;
}

/** Rows about codes. A store without codes has only a row about waiting passages. */
function codebookOf({ codes, codebook, codeBytes, codeBytesPerPassage, ...waiting }: Stats): [string, string][] {
  const { pending, pendingForm, pendingBytes, trainsAt } = waiting;
  const what = `${counted(pending, "passage")} as ${pendingForm}, ${bytes(pendingBytes)}`;
  if (codes === "none") return pending > 0 ? [["waiting", `${what}: embedless compact links them`]] : [];
  if (trainsAt === undefined) {
    const stored = `${bytes(codeBytes)}, ${codeBytesPerPassage} bytes per passage`;
    return [
      ["codebook", CODEBOOKS[codebook]],
      ["codes, stored", stored],
    ];
  }
  const trainer =
    pending < trainsAt ? `it is trained once ${count(trainsAt)} passages wait` : "embedless compact trains it";
  return [
    ["codebook", `${CODEBOOKS[codebook]}: ${trainer}`],
    ["waiting", what],
    ["codes, stored", "-"],
  ];
}

function indexOf({ index, linked, graphBytes }: Stats): string {
  const name = typeof index === "string" ? index : "vamana" in index ? "vamana" : "hnsw";
  if (linked === 0)
    return name === "flat" ? "none: all codes are scanned" : `${name}, not built yet (embedless compact)`;
  return `${name}, ${count(linked)} passages linked, ${(graphBytes / linked).toFixed(1)} bytes each`;
}

function costOf({ k, recall, recomputes, ms }: QueryCost, vectors: Stats["vectors"]): string {
  const looks = `${recomputes.toFixed(1)} ${vectors === "recompute" ? "passages embedded" : "vectors read"}`;
  const time = ms === undefined ? "" : `, ${milliseconds(ms)} on this machine`;
  return `${looks}${time} (${k} hits at recall ${recall})`;
}

function codesOf(codes: Codes): string {
  if (codes === "none") return "none: every passage that a walk meets is embedded";
  if (typeof codes === "string") return codes;
  if ("bytes" in codes) return `product quantisation, ${codes.bytes} bytes`;
  const { dims, primary, training } = codes.leanvec;
  return `leanvec, ${dims} dims in ${primary}, training ${training}`;
}

function vectorsOf({ vectors, keptBytes, vectorBytes }: Stats): string {
  if (vectors === "recompute") return `none kept; as float32 they would take ${bytes(vectorBytes)}`;
  return `kept as ${vectors}, ${bytes(keptBytes)}`;
}
