/** `embedless build`: makes a store from files, or brings it up to date with them. */

import { existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Embedder } from "../embed/embedder.js";
import { EmbedlessError } from "../errors.js";
import { VectorStore } from "../index.js";
import type { AddResult } from "../types.js";
import { updateAddress } from "./address.js";
import { withModel } from "./embedders.js";
import { Interrupted } from "./failures.js";
import { bytes, count, counted, itemsIn } from "./figures.js";
import { type FilePassage, fileOf, passagesOf } from "./file_passages.js";
import { type Found, findFiles, isWithin, type Selection, selectionOf, selects } from "./files.js";
import { Interruption } from "./interruption.js";
import { some } from "./left_out.js";
import { type NewStoreOptions, traitsOf } from "./new_store.js";
import { nothingFound } from "./nothing_found.js";
import { Progress } from "./progress.js";
import { keptSentence, removalOf } from "./removal.js";
import { type Summary, summaryLines } from "./summary.js";
import { printJson, type Terminal, terminalOf } from "./terminal.js";
import { readText } from "./text_file.js";

/** Options of the command line. */
export interface BuildOptions extends NewStoreOptions {
  include?: string[];
  exclude?: string[];
  /** Remove what is stored of given paths that are missing, empty or mostly gone. */
  prune?: boolean;
  json?: boolean;
}

/** Passages deleted in one transaction, so that other writers get their turn. */
const DELETE_BATCH = 512;
/** More given paths are only counted in the first line. */
const PATHS_SHOWN = 3;

/**
 * Embeds what the store does not have yet and removes what is gone from the selected files. Passages elsewhere are not
 * touched. What is printed as committed is safe on disk whatever happens next.
 *
 * @throws Interrupted after Ctrl-C, UsageError, EmbedlessError; `NOT_FOUND` at the end if so much is gone that it was kept.
 */
export async function build(store: string, paths: string[], options: BuildOptions): Promise<void> {
  const started = performance.now();
  const terminal = terminalOf(options.json ? process.stderr : process.stdout);
  const interruption = new Interruption();
  const roots = paths.map((path) => resolve(path));
  const selection = selectionOf(roots, options.include ?? [], options.exclude ?? []);
  const shown = paths.length > PATHS_SHOWN ? `${count(paths.length)} paths` : paths.join(", ");
  terminal.line(`Looking for files in ${shown} ...`);
  try {
    if (!existsSync(store)) await requireText(findFiles(selection), paths);
    const summary = await withModel(options, store, async (opening) => {
      const opened = await VectorStore.open(store, { ...traitsOf(options), ...opening });
      let built: Summary;
      try {
        // Only now the store's own files are known, and none of them is taken for a text.
        const run = new BuildRun(opened, selection, findFiles(selection), terminal, interruption);
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

/** Refuses misspelt paths, and files none of which can be read, before a store is made for them. */
async function requireText(found: Found, paths: readonly string[]): Promise<void> {
  if (found.missing.length > 0) throw missing(found.missing[0]!);
  for (const { path } of found.files) {
    const content = await readText(path).catch(() => ({ reason: "unreadable" as const }));
    if ("text" in content) return;
    found.leftOut.add(content.reason, path);
  }
  throw nothingFound(found, some(paths));
}

function missing(path: string): EmbedlessError {
  return new EmbedlessError("NOT_FOUND", `There is no file or folder ${JSON.stringify(path)}.`);
}

/** One run over the found files. */
class BuildRun {
  readonly #store: VectorStore;
  readonly #folder: string;
  readonly #selection: Selection;
  readonly #found: Found;
  readonly #progress: Progress;
  readonly #interruption: Interruption;
  /** Stored passages of the selected files: id to metadata as JSON. */
  readonly #known = new Map<string, string>();
  readonly #seen = new Set<string>();
  /** Files that were read. */
  readonly #readFiles = new Set<string>();
  /** Passages that the store did not have. */
  #added = 0;
  /** Passages that were there already, word for word and line for line, and were not given to the store again. */
  #skipped = 0;
  /** For each passage given to the store, how many bytes of the files were read before it. */
  readonly #position: number[] = [];
  #bytesRead = 0;
  readonly #bytesTotal: number;

  constructor(store: VectorStore, selection: Selection, found: Found, terminal: Terminal, interruption: Interruption) {
    this.#store = store;
    this.#folder = dirname(resolve(store.path));
    this.#selection = selection;
    this.#found = found;
    this.#interruption = interruption;
    this.#bytesTotal = found.files.reduce((sum, file) => sum + file.bytes, 0);
    terminal.line(`${counted(found.files.length, "file")}, ${bytes(this.#bytesTotal)}`);
    this.#progress = new Progress(terminal);
    interruption.onFirst = () =>
      this.#progress.note("Stopping: the running commit is being finished. Ctrl-C again quits at once.");
  }

  /** Adds what is new, and the new line numbers of what moved. */
  async embed(): Promise<AddResult> {
    try {
      await this.#readKnown();
      const result = await this.#store.add(this.#passages(), {
        onProgress: ({ done, committed }) => this.#tell(done, committed),
      });
      this.#tell(itemsIn(result), itemsIn(result));
      return result;
    } finally {
      this.#progress.finish();
    }
  }

  /** Removes what vanished, unless the user stopped the run. */
  async finish(result: AddResult, { started, prune }: { started: number; prune: boolean }): Promise<Summary> {
    this.#throwIfStopped();
    const { leftOut, missing } = this.#found;
    const { unreadable, tooLarge, binary, notUtf8 } = leftOut.paths;
    const sight = {
      roots: this.#selection.roots,
      missing,
      stored: new Map(Array.from(this.#known.keys(), (id) => [id, this.#fileOf(id)])),
      seen: this.#seen,
      read: this.#readFiles,
      present: [...tooLarge, ...binary, ...notUtf8],
      unreadable,
    };
    const { ids, kept } = removalOf(sight, prune);
    const removed = await this.#remove(ids);
    return {
      store: this.#store.path,
      files: this.#readFiles.size,
      added: this.#added,
      unchanged: this.#seen.size - this.#added,
      removed,
      kept,
      truncated: result.truncated,
      leftOut: leftOut.paths,
      seconds: Math.round(performance.now() - started) / 1000,
      stats: await this.#store.stats(),
    };
  }

  async #readKnown(): Promise<void> {
    for await (const passage of this.#store.passages()) {
      const file = fileOf(passage, this.#folder);
      if (file && selects(this.#selection, file)) this.#known.set(passage.id, JSON.stringify(passage.metadata));
    }
    const files = new Set(Array.from(this.#known.keys(), (id) => this.#fileOf(id)));
    for (const path of this.#found.missing) {
      if (![...files].some((file) => isWithin(path, file))) throw missing(path);
    }
  }

  async *#passages(): AsyncGenerator<FilePassage> {
    let yieldedAt = performance.now();
    for (const file of this.#found.files) {
      const passages = await this.#read(file);
      for (const [i, passage] of passages.entries()) {
        if (this.#interruption.stopped) return;
        const known = this.#known.get(passage.id);
        this.#seen.add(passage.id);
        if (known === undefined) this.#added++;
        if (known === JSON.stringify(passage.metadata)) {
          this.#skipped++;
          continue;
        }
        this.#position.push(this.#bytesRead + (file.bytes * i) / passages.length);
        yield passage;
      }
      this.#bytesRead += file.bytes;
      // Splitting alone never waits for anything; timers and signals get their turn here.
      if (performance.now() - yieldedAt > 50) {
        await new Promise((done) => setImmediate(done));
        yieldedAt = performance.now();
      }
    }
  }

  async #read(file: Found["files"][number]): Promise<FilePassage[]> {
    const found = await this.#passagesOf(file);
    if ("reason" in found) {
      this.#found.leftOut.add(found.reason, file.path);
      return [];
    }
    this.#readFiles.add(file.path);
    return found.passages;
  }

  async #passagesOf(file: Found["files"][number]): ReturnType<typeof passagesOf> {
    try {
      return await passagesOf(file, this.#folder, this.#embedder());
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
      return { reason: "unreadable" };
    }
  }

  #embedder(): Embedder {
    // A store without passages or with a model of its own has settled on one before it asks for the first passage.
    const { embedder } = this.#store;
    if (!embedder) throw new EmbedlessError("EMBEDDER_FAILED", "The store has not named its embedder.");
    return embedder;
  }

  #tell(done: number, committed: number): void {
    const read = this.#position[done] ?? Math.max(this.#bytesRead, this.#position.at(-1) ?? 0);
    const share = this.#bytesTotal === 0 ? 1 : read / this.#bytesTotal;
    this.#progress.update({ done: done + this.#skipped, committed: committed + this.#skipped, share });
  }

  async #remove(ids: readonly string[]): Promise<number> {
    let removed = 0;
    for (let i = 0; i < ids.length; i += DELETE_BATCH) {
      removed += await this.#store.delete({ ids: ids.slice(i, i + DELETE_BATCH) });
      this.#throwIfStopped();
    }
    return removed;
  }

  #fileOf(id: string): string {
    return resolve(this.#folder, id.replace(/#[^#]*$/, ""));
  }

  #throwIfStopped(): void {
    if (!this.#interruption.stopped) return;
    const done = count(this.#skipped + this.#position.length);
    throw new Interrupted(
      `Stopped with ${done} passages safe in the store; the same command goes on from here.`,
      this.#interruption.exitCode,
    );
  }
}
