/** `embedless build`: makes a store from files, or brings it up to date with them. */

import { existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { EmbedlessError } from "../errors.js";
import { VectorStore } from "../index.js";
import type { AddResult, Stats } from "../types.js";
import { Interrupted } from "./failures.js";
import { bytes, count, counted, duration, itemsIn, ratio } from "./figures.js";
import { type FilePassage, fileOf, passagesOf } from "./file_passages.js";
import { type Found, findFiles, isWithin, LARGEST_FILE, type Selection, selectionOf, selects } from "./files.js";
import { Interruption } from "./interruption.js";
import { type NewStoreOptions, newStoreEmbedder, traitsOf } from "./new_store.js";
import { Progress } from "./progress.js";
import { type Terminal, terminalOf, wrap } from "./terminal.js";

/** Options of the command line. */
export interface BuildOptions extends NewStoreOptions {
  include?: string[];
  exclude?: string[];
  json?: boolean;
}

/** What a run did, as `--json` prints it. */
interface Summary {
  store: string;
  files: number;
  added: number;
  unchanged: number;
  removed: number;
  truncated: number;
  leftOut: { tooLarge: string[]; binary: string[]; unreadable: string[] };
  seconds: number;
  stats: Stats;
}

/** Passages deleted in one transaction, so that other writers get their turn. */
const DELETE_BATCH = 512;

/**
 * Embeds what the store does not have yet and removes what is gone from the selected files. Passages elsewhere are not
 * touched. What is printed as committed is safe on disk whatever happens next.
 *
 * @throws Interrupted after Ctrl-C, UsageError, EmbedlessError.
 */
export async function build(store: string, paths: string[], options: BuildOptions): Promise<void> {
  const started = performance.now();
  const terminal = terminalOf(options.json ? process.stderr : process.stdout);
  const interruption = new Interruption();
  const roots = paths.map((path) => resolve(path));
  const selection = selectionOf(roots, options.include ?? [], options.exclude ?? []);
  terminal.line(`Looking for files in ${paths.join(", ")} ...`);
  const found = findFiles(selection);
  checkFound(found, paths, store);
  const embedder = await newStoreEmbedder(options);
  try {
    const opened = await VectorStore.open(store, { ...traitsOf(options), ...(embedder && { embedder }) });
    let summary: Summary;
    try {
      const run = new BuildRun(opened, selection, found, terminal, interruption);
      summary = await run.finish(await run.embed(), started);
    } finally {
      await opened.close();
    }
    summary.stats.fileBytes = statSync(summary.store).size; // closing has folded the write-ahead log into it
    if (options.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
    else for (const line of summaryLines(summary, terminal.width)) terminal.line(line);
  } finally {
    await embedder?.close?.();
    interruption.end();
  }
}

/** Refuses misspelt paths and empty folders before a store is made for them. */
function checkFound(found: Found, paths: string[], store: string): void {
  if (existsSync(store)) return;
  if (found.missing.length > 0) throw missing(found.missing[0]!);
  if (found.unreadable.length > 0 && found.files.length === 0) {
    throw new EmbedlessError("IO", `${JSON.stringify(found.unreadable[0])} cannot be read.`);
  }
  if (found.files.length === 0) {
    throw new EmbedlessError("NOT_FOUND", `There is no Markdown, text or source file to read in ${paths.join(", ")}.`);
  }
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
  readonly #binary: string[] = [];
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
  async finish(result: AddResult, started: number): Promise<Summary> {
    this.#throwIfStopped();
    const removed = await this.#removeVanished();
    const { tooLarge, unreadable } = this.#found;
    return {
      store: this.#store.path,
      files: this.#found.files.length - this.#binary.length,
      added: this.#added,
      unchanged: this.#seen.size - this.#added,
      removed,
      truncated: result.truncated,
      leftOut: { tooLarge, binary: this.#binary, unreadable },
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
    try {
      // A store without passages or with a model of its own has settled on one before it asks for the first passage.
      const { embedder } = this.#store;
      if (!embedder) throw new EmbedlessError("EMBEDDER_FAILED", "The store has not named its embedder.");
      const passages = await passagesOf(file, this.#folder, embedder);
      if (!passages) this.#binary.push(file.path);
      return passages ?? [];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
      this.#found.unreadable.push(file.path);
      return [];
    }
  }

  #tell(done: number, committed: number): void {
    const read = this.#position[done] ?? Math.max(this.#bytesRead, this.#position.at(-1) ?? 0);
    const share = this.#bytesTotal === 0 ? 1 : read / this.#bytesTotal;
    this.#progress.update({ done: done + this.#skipped, committed: committed + this.#skipped, share });
  }

  async #removeVanished(): Promise<number> {
    const unreadable = this.#found.unreadable;
    const vanished = [...this.#known.keys()].filter((id) => {
      if (this.#seen.has(id)) return false;
      return !unreadable.some((path) => isWithin(path, this.#fileOf(id)));
    });
    let removed = 0;
    for (let i = 0; i < vanished.length; i += DELETE_BATCH) {
      removed += await this.#store.delete({ ids: vanished.slice(i, i + DELETE_BATCH) });
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

function summaryLines(summary: Summary, width: number): string[] {
  const { files, added, unchanged, removed, truncated, seconds, leftOut, stats } = summary;
  const lines = [
    `${counted(files, "file")}, ${counted(stats.passages, "passage")} in ${stats.path} after ${seconds < 10 ? `${seconds.toFixed(1)} s` : duration(seconds)}`,
    `  added ${count(added)} · unchanged ${count(unchanged)} · removed ${count(removed)}`,
    `  text ${bytes(stats.rawBytes)} · store ${bytes(stats.fileBytes)}, ${ratio(stats.fileBytes, stats.rawBytes)} of the text`,
    `  ${codesOf(stats)}`,
  ];
  if (truncated > 0)
    lines.push(`  ${counted(truncated, "passage")} longer than the model's window: their ends cannot be found`);
  const notes = [
    [leftOut.tooLarge, `over ${bytes(LARGEST_FILE)}`],
    [leftOut.binary, "binary"],
    [leftOut.unreadable, "not readable"],
  ] as const;
  for (const [paths, why] of notes) if (paths.length > 0) lines.push(`  left out, ${why}: ${someOf(paths)}`);
  return lines.flatMap((line) => wrap(line, width));
}

function codesOf({ codes, pending, codeBytesPerPassage }: Stats): string {
  if (codes === "none") return `${counted(pending, "passage")} waiting for the graph: embedless compact builds it`;
  if (pending > 0) return `${counted(pending, "passage")} waiting for a codebook: until then the store is larger`;
  return `codes ${codeBytesPerPassage} bytes a passage`;
}

function someOf(paths: readonly string[]): string {
  const rest = paths.length > 3 ? ` and ${count(paths.length - 3)} more` : "";
  return paths.slice(0, 3).join(", ") + rest;
}
