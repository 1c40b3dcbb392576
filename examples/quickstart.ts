/**
 * `npm run quickstart [-- "your question"] [--passages 500] [--keep]`: from the documentation of installed packages to
 * answers, with what each cost. Ends with 1 unless every fixed question finds the file that answers it.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { type AddItem, type Embedder, minilm, splitText, VectorStore } from "embedless";

/** At most this many passages of a file, so that many packages have their say. Files that answer are taken whole. */
const MOST_OF_A_FILE = 20;
/** Share of the passages that may be Markdown: the rest is for declaration files. */
const MARKDOWN_SHARE = 0.7;
/** Lines of text shown of a hit. */
const SHOWN_LINES = 3;

/** Questions, and the file that must be among the first three hits, where its package is installed. */
const QUESTIONS = [
  ["How do I give a command line program subcommands with options of their own?", "commander/Readme.md"],
  ["How are failing property tests reduced to the smallest counterexample?", "fast-check/README.md"],
  ["How do I run a shell command and read its output?", "@types/node/child_process.d.ts"],
] as const;

const { values, positionals } = parseArgs({
  options: { passages: { type: "string", default: "2000" }, keep: { type: "boolean", default: false } },
  allowPositionals: true,
});
const mostPassages = Number(values.passages);
/** Where the packages are installed: `commander` always is, for embedless depends on it. */
const modules = dirname(dirname(createRequire(import.meta.resolve("embedless/package.json")).resolve("commander")));

/** Names of the files directly in `folder` of the installed packages that `pattern` fits, in one order everywhere. */
function filesIn(folder: string, pattern: RegExp): string[] {
  const entries = readdirSync(join(modules, folder), { withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile() && pattern.test(entry.name)).map(({ name }) => name);
  return names.sort().map((name) => `${folder}/${name}`);
}

/** Folders of all installed packages. */
function packages(): string[] {
  const named = (folder: string) =>
    readdirSync(join(modules, folder), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
      .map(({ name }) => (folder === "." ? name : `${folder}/${name}`));
  return named(".")
    .flatMap((name) => (name.startsWith("@") ? named(name) : [name]))
    .sort();
}

/** Passages of manuals and declarations; the same ones wherever the same versions are installed. */
async function collect(embedder: Embedder): Promise<{ passages: AddItem[]; files: Set<string> }> {
  const installed = packages();
  const manuals = installed.flatMap((name) => filesIn(name, /^readme\.md$/i));
  const declarations = [
    ...(installed.includes("commander") ? filesIn("commander/typings", /\.d\.ts$/) : []),
    ...(installed.includes("@types/node") ? filesIn("@types/node", /\.d\.ts$/) : []),
  ];
  const answering = [...manuals, ...declarations].filter((file) => QUESTIONS.some(([, answer]) => answer === file));
  const passages: AddItem[] = [];
  const files = new Set<string>();
  const take = async (some: readonly string[], mostOfFile: number, most: number) => {
    for (const source of some) {
      if (passages.length >= most || files.has(source)) continue;
      const pieces = await splitText(readFileSync(join(modules, source), "utf8"), {
        kind: source.endsWith(".md") ? "markdown" : "code",
        countTokens: embedder.countTokens?.bind(embedder),
      });
      const taken = pieces.slice(0, Math.min(mostOfFile, most - passages.length));
      for (const [i, { text, lines, heading }] of taken.entries()) {
        passages.push({ id: `${source}#${i}`, text, metadata: { source, heading, line: lines.from } });
      }
      files.add(source);
    }
  };
  await take(answering, mostPassages, mostPassages);
  await take(manuals, MOST_OF_A_FILE, MARKDOWN_SHARE * mostPassages);
  await take(declarations, MOST_OF_A_FILE, mostPassages);
  return { passages, files };
}

/** Adds all passages and shows how far it is: on a terminal in one line, else in a line for each part that is safe on disk. */
async function embedAll(store: VectorStore, passages: readonly AddItem[]): Promise<void> {
  const { isTTY } = process.stdout;
  const started = performance.now();
  let told = 0;
  // An iterable, unlike an array, is committed as it goes.
  await store.add(passages.values(), {
    onProgress: ({ done, committed }) => {
      const speed = Math.round((1000 * done) / (performance.now() - started));
      const text = `  ${done} of ${passages.length} passages embedded, ${speed} per second`;
      if (isTTY) process.stdout.write(`\r${text} `);
      else if (committed > told) console.log(text);
      told = committed;
    },
  });
  if (isTTY) process.stdout.write("\n");
}

/** The lines of a passage with most words of the question, without the marks of comments. */
function excerpt(text: string, question: string): string[] {
  const words = question.toLowerCase().match(/\w{4,}/g) ?? [];
  const lines = text.split("\n").map((line) => line.replace(/^[\s*]+/, "").slice(0, 100));
  const told = lines.filter((line) => /\w/.test(line) && !/^(#|```)/.test(line));
  const windows = told.map((_, i) => told.slice(i, i + SHOWN_LINES));
  const wordsOf = (window: string[]) => words.filter((word) => window.join(" ").toLowerCase().includes(word)).length;
  return windows.reduce((best, next) => (wordsOf(next) > wordsOf(best) ? next : best), windows[0] ?? []);
}

/** Asks, prints the hits, and says whether `file` is among them. */
async function ask(store: VectorStore, question: string, file: string | undefined): Promise<boolean> {
  const { hits, cost } = await store.search(question, { k: 3 });
  console.log(`\n? ${question}`);
  for (const { score, text, metadata } of hits) {
    console.log(`  ${score.toFixed(3)}  ${metadata["source"]}:${metadata["line"]}  ${metadata["heading"]}`.trimEnd());
    for (const line of excerpt(text, question)) console.log(`         ${line}`);
  }
  const stored = await store.count();
  console.log(`  ${Math.round(cost.totalMs)} ms, ${cost.embedded} of ${stored} passages embedded again`);
  const found = file === undefined || hits.some(({ metadata }) => metadata["source"] === file);
  if (!found) console.log(`  ${file} should be among these, but is not.`);
  return found;
}

const folder = mkdtempSync(join(tmpdir(), "embedless-quickstart-"));
const path = join(folder, "quickstart.db");
const embedder = minilm();
try {
  console.log("Reading the documentation of installed packages ...");
  const { passages, files } = await collect(embedder);
  console.log(`${passages.length} passages of ${files.size} files. Each is embedded once, and no vector is kept.`);
  const store = await VectorStore.open(path, { embedder });
  await embedAll(store, passages);
  const own = positionals.join(" ");
  const questions = own === "" ? QUESTIONS.filter(([, file]) => files.has(file)) : [[own, undefined] as const];
  for (const [question, file] of questions) {
    if (!(await ask(store, question, file))) process.exitCode = 1;
  }
  const { rawBytes, codeBytes, codeBytesPerPassage, vectorBytes } = await store.stats();
  await store.close();
  const size = (bytes: number) => `${(bytes / 1e6).toFixed(2).padStart(7)} MB`;
  console.log(`\nraw text         ${size(rawBytes)}`);
  // Closing has folded the write-ahead log into the file, which is what stays.
  console.log(`store file       ${size(statSync(path).size)}`);
  console.log(`codes            ${size(codeBytes)}, ${codeBytesPerPassage} bytes per passage`);
  console.log(`float32 vectors  ${size(vectorBytes)}, not kept`);
  if (values.keep) console.log(`\nThe store is ${path}`);
} finally {
  await embedder.close?.();
  if (!values.keep) rmSync(folder, { recursive: true, force: true });
}
