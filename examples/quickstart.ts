/**
 * `npm run quickstart [-- "your question"] [--keep]`: from the documentation of this package's own dependencies to
 * answers, with what it cost. Ends with 1 unless each of the three fixed questions finds the file that answers it.
 */

import { mkdtempSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { reportFailure } from "../src/cli/failures.js";
import { bytes, count, counted, duration, ratio } from "../src/cli/figures.js";
import { costLine, hitLines } from "../src/cli/hits.js";
import { BuildProgress } from "../src/cli/progress.js";
import { table, terminalOf } from "../src/cli/terminal.js";
import { findFiles } from "../src/folder/files.js";
import { type FilePassage, passagesOf } from "../src/folder/passages.js";
import { MOST_FILE_BYTES, selectionOf } from "../src/folder/selection.js";
import { sourceOf } from "../src/folder/sources.js";
import { type Embedder, minilm, type Stats, VectorStore } from "../src/index.js";

const MOST_PASSAGES = 2000;
/** So many of each file, so that many packages have their say; the files that must be found are taken whole. */
const MOST_OF_A_FILE = 20;
/** Of all at most so many are Markdown, so that declaration files have their share. */
const MOST_MARKDOWN = 1400;
const TOP = 3;

/** Questions, and the file that must be among the first three hits. */
const QUESTIONS = [
  ["How do I give a command line program subcommands with options of their own?", "commander/Readme.md"],
  ["How are failing property tests reduced to the smallest counterexample?", "fast-check/README.md"],
  ["How do I run a shell command and read its output?", "@types/node/child_process.d.ts"],
] as const;

const terminal = terminalOf(process.stdout);
const modules = join(dirname(createRequire(import.meta.url).resolve("embedless/package.json")), "node_modules");

/** Markdown of all packages and declarations of two; the same ones wherever the same versions are installed. */
async function collect(embedder: Embedder): Promise<{ passages: FilePassage[]; files: number }> {
  const found = async (include: string[], exclude: string[]) =>
    (await findFiles(selectionOf([modules], { include, exclude }))).files;
  const wanted: readonly string[] = QUESTIONS.map(([, file]) => file);
  const markdown = await found(["*.md"], ["*CHANGELOG*", "*LICENSE*", "*HISTORY*", "README.*.md"]);
  const declarations = await found(["commander/**/*.d.ts", "@types/node/*.d.ts"], []);
  const passages: FilePassage[] = [];
  const files = new Set<string>();
  const take = async (some: typeof markdown, mostOfFile: number, most: number) => {
    for (const file of some) {
      if (passages.length >= most || files.has(file.path)) continue;
      const read = await passagesOf(file, { base: modules, embedder, mostBytes: MOST_FILE_BYTES });
      const pieces = "passages" in read ? read.passages : [];
      passages.push(...pieces.slice(0, Math.min(mostOfFile, most - passages.length)));
      files.add(file.path);
    }
  };
  const whole = [...markdown, ...declarations].filter(({ path }) => wanted.includes(sourceOf(path, modules)));
  await take(whole, MOST_PASSAGES, MOST_PASSAGES);
  await take(markdown, MOST_OF_A_FILE, MOST_MARKDOWN);
  await take(declarations, MOST_OF_A_FILE, MOST_PASSAGES);
  return { passages, files: files.size };
}

async function embedAll(store: VectorStore, passages: FilePassage[]): Promise<void> {
  const progress = new BuildProgress(terminal);
  try {
    // An iterable, unlike an array, is committed as it goes.
    await store.add(passages.values(), {
      onProgress: ({ done, committed }) => progress.update({ done, committed, share: done / passages.length }),
    });
  } finally {
    progress.finish();
  }
}

/** Asks, prints the hits, and says whether `file` is among them. */
async function ask(store: VectorStore, question: string, file?: string): Promise<boolean> {
  const { hits, cost } = await store.search(question, { k: TOP });
  terminal.line();
  terminal.line(terminal.style("bold", `? ${question}`));
  for (const [i, hit] of hits.entries()) {
    for (const line of hitLines(hit, i + 1, terminal, { question, lines: 3 })) terminal.line(line);
  }
  terminal.line(terminal.style("dim", `    ${costLine(cost, await store.count())}`));
  const found = file === undefined || hits.some((hit) => hit.metadata["source"] === file);
  if (!found) terminal.line(terminal.style("red", `    ${file} should be among these, but is not.`));
  return found;
}

function figureLines(stats: Stats): string[] {
  return table([
    ["raw text", bytes(stats.rawBytes), ""],
    ["store file", bytes(stats.fileBytes), `${ratio(stats.fileBytes, stats.rawBytes)} of the text`],
    ["codes", bytes(stats.codeBytes), `${stats.codeBytesPerPassage} bytes a passage`],
    ["float32 vectors", bytes(stats.vectorBytes), "not kept"],
  ]);
}

async function main(args: string[]): Promise<boolean> {
  const keep = args.includes("--keep");
  const question = args.filter((arg) => arg !== "--keep").join(" ");
  const folder = mkdtempSync(join(tmpdir(), "embedless-quickstart-"));
  const started = performance.now();
  terminal.line("Reading the documentation of this package's dependencies ...");
  const embedder = minilm();
  try {
    const { passages, files } = await collect(embedder);
    terminal.line(
      `${counted(files, "file")}, ${count(passages.length)} passages; each is embedded once, no vector is kept.`,
    );
    const store = await VectorStore.open(join(folder, "quickstart.db"), { embedder });
    await embedAll(store, passages);
    terminal.line(`Ready after ${duration((performance.now() - started) / 1000)}.`);
    let found = true;
    for (const [asked, file] of question ? [[question, undefined] as const] : QUESTIONS) {
      found = (await ask(store, asked, file)) && found;
    }
    terminal.line();
    const stats = await store.stats();
    await store.close();
    // Closing has folded the write-ahead log into the file, which is what stays.
    for (const line of figureLines({ ...stats, fileBytes: statSync(stats.path).size })) terminal.line(line);
    if (keep) terminal.line(`\nThe store is ${stats.path}`);
    return found;
  } finally {
    await embedder.close?.();
    if (!keep) rmSync(folder, { recursive: true, force: true });
  }
}

main(process.argv.slice(2)).then(
  (found) => {
    process.exitCode = found ? 0 : 1;
  },
  (error) => {
    process.exitCode = reportFailure(error);
  },
);
