import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { EmbedlessError } from "../base/errors.js";
import { readText } from "../folder/encoding.js";
import { type Found, findFiles, type Reason, reasonOf } from "../folder/files.js";
import { type Selection, selectionOf } from "../folder/selection.js";
import { withoutLinks } from "../folder/sources.js";
import { VectorStore } from "../index.js";
import { BuildRun, missing } from "./build_run.js";
import { type NewStoreOptions, newStoreTraits, updateAddress, withModel } from "./embedders.js";
import { Interrupted, Interruption, UsageError } from "./failures.js";
import { count } from "./figures.js";
import { Working } from "./progress.js";
import { keptSentence, leftOutSentences, passedOverParts, type Summary, some, summaryLines } from "./summary.js";
import { printJson, type Terminal, terminalOf } from "./terminal.js";

/** Options of the command line. */
export interface BuildOptions extends NewStoreOptions {
  include?: string[];
  exclude?: string[];
  /** Leave out files that .gitignore files name. Default `true`. */
  gitignore?: boolean;
  /** In bytes. Default `MOST_FILE_BYTES`. */
  maxFileSize?: number;
  /** Remove the passages of given paths that are missing, empty or mostly gone. */
  prune?: boolean;
  json?: boolean;
}

/** Most given paths that the first line names. More are only counted. */
const PATHS_SHOWN = 3;

/**
 * Embeds what the store does not have yet, and removes what is gone from the selected files. Other passages are not
 * touched. Passages printed as committed are safe on disk.
 *
 * @throws Interrupted after Ctrl-C, UsageError, EmbedlessError; `NOT_FOUND` at the end if so much is gone that it was
 *   kept.
 */
export async function build(store: string, paths: string[], options: BuildOptions): Promise<void> {
  const started = performance.now();
  const terminal = terminalOf(options.json ? process.stderr : process.stdout);
  if (paths.includes(""))
    throw new UsageError("Expected files and folders, but one path is empty. Use . for this folder.");
  const roots = [...new Set(paths.map((path) => withoutLinks(resolve(path))))];
  const interruption = new Interruption();
  const { include, exclude, gitignore, maxFileSize: mostBytes } = options;
  const selection = selectionOf(roots, { include, exclude, gitignore, mostBytes });
  const shown = paths.length > PATHS_SHOWN ? `${count(paths.length)} paths` : paths.join(", ");
  terminal.line(`Looking for files in ${shown} ...`);
  const find = () =>
    new Working(terminal).at("Looking for files", () => findFiles(selection, () => interruption.stopped));
  try {
    if (!existsSync(store)) await requireText(await find(), selection, paths, interruption);
    const summary = await withModel(options, store, async (opening) => {
      const opened = await VectorStore.open(store, { ...newStoreTraits(options), ...opening });
      let built: Summary;
      try {
        // The store's own files are known only now. They must not be read as texts.
        const run = new BuildRun(opened, selection, await find(), terminal, interruption);
        built = await run.finish(await run.embed(), { started, prune: options.prune ?? false });
      } finally {
        await opened.close();
      }
      if (opening.embedder) await updateAddress(store, opening.embedder);
      return built;
    });
    report(summary, options, terminal);
  } finally {
    interruption.end();
  }
}

function report(summary: Summary, options: BuildOptions, terminal: Terminal): void {
  summary.stats.fileBytes = statSync(summary.store).size; // closing has folded the write-ahead log into it
  if (options.json) printJson(summary);
  else for (const line of summaryLines(summary, terminal.width)) terminal.line(line);
  if (summary.kept.length > 0) throw new EmbedlessError("NOT_FOUND", keptSentence(summary.kept));
}

/** Refuses paths that do not exist, and paths without a readable file, before a store is created for them. */
async function requireText(
  found: Found,
  { mostBytes }: Selection,
  paths: readonly string[],
  interruption: Interruption,
): Promise<void> {
  if (found.missing.length > 0) throw missing(found.missing[0]!);
  for (const { path } of found.files) {
    if (interruption.stopped) break;
    const reason = await whyNoText(path, mostBytes);
    if (reason === undefined) return;
    found.leftOut.add(reason, path);
  }
  if (interruption.stopped) throw new Interrupted("Stopped before a store was created.", interruption.exitCode);
  throw nothingFound(found, mostBytes, some(paths));
}

async function whyNoText(path: string, mostBytes: number): Promise<Reason | undefined> {
  try {
    const content = await readText(path, mostBytes);
    if ("reason" in content) return content.reason;
    return content.text.trim() === "" ? "blank" : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    return reasonOf(error);
  }
}

/** The error that says what was found instead of readable files. */
export function nothingFound({ leftOut, passedOver }: Found, mostBytes: number, paths: string): EmbedlessError {
  const leftOutParts = leftOutSentences(leftOut.paths, mostBytes).map((sentence) => `left out, ${sentence}`);
  const reasons = [...leftOutParts, ...passedOverParts(passedOver)];
  const why = reasons.length === 0 ? "" : `: ${reasons.join("; ")}`;
  return new EmbedlessError("NOT_FOUND", `There is no Markdown, text or source file to read in ${paths}${why}.`);
}
