#!/usr/bin/env node
/**
 * The command line: `embedless build`, `search`, `stats`, `compact`, `verify`, `repair`, `export`, `import`, `backup`,
 * `plan`, `bench`, `compile`.
 */

import { createRequire } from "node:module";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import type { BackupCommandOptions } from "./backup.js";
import type { BenchCommandOptions } from "./bench/bench.js";
import type { BuildOptions } from "./build.js";
import type { CompactCommandOptions } from "./compact.js";
import type { ExportOptions } from "./export.js";
import { printWarnings, reportFailure } from "./failures.js";
import { bytesFrom } from "./figures.js";
import type { ImportOptions } from "./import.js";
import type { PlanCommandOptions } from "./plan.js";
import type { SearchCommandOptions } from "./search.js";
import type { StatsCommandOptions } from "./stats.js";
import { endWithReader, terminalOf } from "./terminal.js";
import type { RepairCommandOptions } from "./verify.js";

const { version } = createRequire(import.meta.url)("embedless/package.json") as { version: string };

/** Limit of `--max-file-size`: a file is held in memory as a whole, several times. */
const LARGEST_FILE_SIZE = 256e6;

function program(): Command {
  const main = new Command("embedless")
    .description("Search files by meaning. A store keeps text and 51 bytes per passage, and no vectors.")
    .version(version)
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({ outputError: reportMisuse });
  addBuild(main);
  addSearch(main);
  addModelOptions(main.command("stats <store>"))
    .description("show what a store holds and how large it is")
    .option("--measure", "also predict how long a question takes on this machine")
    .option("--json", "print one JSON object")
    .action(async (store: string, options: StatsCommandOptions) => (await import("./stats.js")).stats(store, options));
  addModelOptions(main.command("compact <store>"))
    .description("train a waiting codebook, build or update the graph, and give free space back")
    .option("--json", "print one JSON object")
    .action(async (store: string, options: CompactCommandOptions) =>
      (await import("./compact.js")).compact(store, options),
    );
  main
    .command("verify <store>")
    .description("read a whole store and say what is damaged")
    .option("--json", "print one JSON object")
    .action(async (store: string, options: { json?: boolean }) => (await import("./verify.js")).verify(store, options));
  addModelOptions(main.command("repair <store>"))
    .description("rebuild a damaged store from its texts; the damaged file is kept")
    .option("--json", "print one JSON object")
    .action(async (store: string, options: RepairCommandOptions) =>
      (await import("./verify.js")).repair(store, options),
    );
  addExchange(main);
  addPlan(main);
  addBench(main);
  main
    .command("compile")
    .description("build the native addon if no prebuilt one fits (needs cmake and a C++ compiler)")
    .action(async () => (await import("./compile.js")).compile());
  return main;
}

function addBuild(main: Command): void {
  const build = main
    .command("build <store> <paths...>")
    .description("create or update a store from Markdown, text and source files");
  addNewStoreOptions(build)
    .option(
      "--include <globs...>",
      "files to read instead of those with known extensions, also hidden and ignored ones (build/**, .github/*.md)",
    )
    .option("--exclude <globs...>", "files and folders to skip; their stored passages stay")
    .option("--no-gitignore", "also read files that .gitignore files name")
    .option("--max-file-size <size>", "largest file to read, such as 10MB (default: 2MiB)", fileSize)
    .option("--prune", "remove the passages of given paths even if the paths are missing, empty or mostly gone")
    .option("--json", "print one JSON object at the end; progress goes to the error stream")
    .addHelpText(
      "after",
      "\nPut --include and --exclude last and their patterns in quotes:\n  embedless build docs.db docs src --exclude 'drafts/**' '*.test.ts'",
    )
    .action(async (store: string, paths: string[], options: BuildOptions) => {
      await (await import("./build.js")).build(store, paths, options);
    });
}

/** Adds the options of commands that can create a store. */
function addNewStoreOptions(command: Command): Command {
  return addModelOptions(command)
    .option(
      "--codes <kind>",
      "for a new store: bytes per code (24, 32, 48, 64, 96, 128, 192), or lvq4, lvq8, lvq4x8, none",
    )
    .option("--vectors <form>", "for a new store: recompute, or keep vectors as float32, float16 or lvq8")
    .addOption(
      new Option("--index <kind>", "for a new store: the index that compact builds").choices([
        "flat",
        "auto",
        "vamana",
        "hnsw",
      ]),
    )
    .option("--keywords", "also create a table of words, for search --mode keyword or hybrid");
}

/** Adds the options of commands that may embed. */
function addModelOptions(command: Command): Command {
  return command
    .option(
      "--model <name>",
      "minilm, a folder with an ONNX model, or a model of the Hugging Face hub (default: the store's, else minilm)",
    )
    .option(
      "--url <base>",
      "use a model on an OpenAI-compatible server; EMBEDLESS_API_KEY is its key (default model: the store's)",
    )
    .option(
      "--batch <number>",
      "most texts per request to the server; fewer if it refuses a request (default: 64)",
      within("a whole number from 1 to 2048", 1, 2048, true),
    )
    .option("--truncate", "embed the beginning of texts that the server refuses as too long")
    .option("--trust-address", "contact the server or hub that only the store's file names (it gets no key)");
}

function addExchange(main: Command): void {
  main
    .command("export <store>")
    .description("print all passages, one JSON object per line: id, text, metadata")
    .option("--filter <json>", 'only passages whose metadata match, such as {"source": "a.md"}')
    .action(async (store: string, options: ExportOptions) =>
      (await import("./export.js")).exportPassages(store, options),
    );
  const command = main
    .command("import <store> <file>")
    .description("add passages from lines of JSON (text; optionally id, metadata, vector); - reads standard input");
  addNewStoreOptions(command)
    .option("--json", "print one JSON object at the end; progress goes to the error stream")
    .action(async (store: string, file: string, options: ImportOptions) =>
      (await import("./import.js")).importPassages(store, file, options),
    );
  main
    .command("backup <store> <file>")
    .description("copy a store into another file while it is in use")
    .option("--overwrite", "replace the file if it exists")
    .option("--json", "print one JSON object")
    .action(async (store: string, file: string, options: BackupCommandOptions) =>
      (await import("./backup.js")).backup(store, file, options),
    );
}

function addSearch(main: Command): void {
  addModelOptions(main.command("search <store> <question>"))
    .description("find the passages that answer a question")
    .option("--k <number>", "number of hits", within("a whole number from 1 to 10000", 1, 10_000, true), 5)
    .addOption(
      new Option("--mode <kind>", "search by meaning, by words or by both; keyword and hybrid need build --keywords")
        .choices(["vector", "keyword", "hybrid"])
        .default("vector"),
    )
    .addOption(recallOption())
    .option(
      "--max-recomputes <number>",
      "most passages to embed again; hits beyond that get estimated scores",
      within("a whole number from 1 to 80000", 1, 80_000, true),
    )
    .option(
      "--deadline <ms>",
      "milliseconds after which the remaining hits get estimated scores",
      within("a number of milliseconds from 0", 0, 2 ** 31 - 1),
    )
    .option("--approx", "do not embed hits that are certain; they keep estimated scores")
    .addOption(
      new Option("--estimates", "use only estimated scores; only the question is embedded").conflicts([
        "maxRecomputes",
        "deadline",
      ]),
    )
    .option("--filter <json>", 'only passages whose metadata match, such as {"source": {"$in": ["a.md", "b.md"]}}')
    .option("--explain", "show how each hit was found and where the time went")
    .option("--json", "print one JSON object")
    .action(async (store: string, question: string, options: SearchCommandOptions) => {
      // Most questions need a local model. Its process takes as long to start as everything else, so it starts first.
      if (options.mode !== "keyword" && options.url === undefined)
        (await import("../embed/forked_model.js")).startAhead();
      await (await import("./search.js")).search(store, question, options);
    });
}

function addPlan(main: Command): void {
  const positive = within("a number above 0", Number.MIN_VALUE, Number.MAX_VALUE);
  main
    .command("plan")
    .argument("<passages>", "number of passages", within("a whole number of passages from 1", 1, 2 ** 32, true))
    .description("predict the size of a store and how long a question takes on this machine")
    .addOption(
      new Option("--bytes-per-passage <number>", "most bytes per passage for codes and kept vectors (default: 51)")
        .argParser(positive)
        .conflicts("totalBytes"),
    )
    .option("--total-bytes <number>", "most bytes for all codes and kept vectors", positive)
    .option("--k <number>", "number of hits", within("a whole number from 1 to 10000", 1, 10_000, true), 10)
    .addOption(recallOption())
    .option("--model <name>", "as for build; default: minilm")
    .option("--url <base>", "use a model on an OpenAI-compatible server")
    .option("--json", "print one JSON object")
    .action(async (passages: number, options: PlanCommandOptions) => {
      await (await import("./plan.js")).plan(passages, options);
    });
}

function addBench(main: Command): void {
  main
    .command("bench <base> <queries> [truth]")
    .description(
      "measure the codes on your own vectors (.fvecs or .bvecs; the true nearest are read from .ivecs, or computed)",
    )
    .addOption(
      new Option("--metric <name>", "how vectors are compared").choices(["cosine", "ip", "l2"]).default("cosine"),
    )
    .option("--k <number>", "number of nearest vectors", within("a whole number from 1 to 1000", 1, 1000, true), 10)
    .option("--codes <names>", "codes, such as 24,48,lvq4,lvq8,lvq4x8,leanvec160-lvq8-pca", "24,48,96,lvq4,lvq8")
    .option("--json", "print one JSON object per code")
    .action(async (base: string, queries: string, truth: string | undefined, options: BenchCommandOptions) => {
      await (await import("./bench/bench.js")).bench(base, queries, truth, options);
    });
}

function recallOption(): Option {
  return new Option("--recall <share>", "share of the true top hits to find, as a mean over questions")
    .argParser(within("a number from 0.5 to 0.999", 0.5, 0.999))
    .default(0.95);
}

function within(expected: string, low: number, high: number, whole = false): (text: string) => number {
  return (text) => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (value >= low && value <= high && (!whole || Number.isInteger(value))) return value;
    throw new InvalidArgumentError(`Expected ${expected}.`);
  };
}

/** Parses `--max-file-size` into bytes. */
function fileSize(text: string): number {
  const size = bytesFrom(text);
  if (size !== undefined && size >= 1 && size <= LARGEST_FILE_SIZE) return size;
  throw new InvalidArgumentError("Expected a size from 1B to 256MB, such as 500kB, 10MB or 2MiB.");
}

/** Prints Commander's two-line messages in the form of all other failures. */
function reportMisuse(text: string): void {
  const sentence = text
    .replace(/^error: /, "")
    .trim()
    .replace(/\s*\n\s*/g, " ");
  terminalOf(process.stderr).line(`embedless: ${sentence}`);
}

async function main(): Promise<void> {
  endWithReader(process.stdout);
  endWithReader(process.stderr);
  printWarnings();
  try {
    await program().parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
    else process.exitCode = reportFailure(error);
  }
}

void main();
