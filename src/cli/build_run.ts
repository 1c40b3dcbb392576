/** One run of `embedless build` over the files that were found. */

import { dirname, resolve } from "node:path";
import type { Embedder } from "../api/embedder.js";
import type { AddResult } from "../api/passage.js";
import { EmbedlessError } from "../base/errors.js";
import { Turns } from "../base/turns.js";
import { type Found, reasonOf } from "../folder/files.js";
import { type FilePassage, passagesOf } from "../folder/passages.js";
import { removalOf } from "../folder/removal.js";
import { isWithin, type Selection, selects } from "../folder/selection.js";
import { baseOf, sourceIn, withoutLinks } from "../folder/sources.js";
import type { VectorStore } from "../index.js";
import { Interrupted, type Interruption } from "./failures.js";
import { bytes, count, counted, itemsIn } from "./figures.js";
import { BuildProgress } from "./progress.js";
import type { DecodedFile, Summary } from "./summary.js";
import type { Terminal } from "./terminal.js";

/** Passages deleted per transaction, so that other writers get turns. */
const DELETE_BATCH = 512;

/** The error for a given path that does not exist. */
export function missing(path: string): EmbedlessError {
  return new EmbedlessError("NOT_FOUND", `There is no file or folder ${JSON.stringify(path)}.`);
}

/** What is known of a stored passage. */
interface StoredPassage {
  /** Absolute path, with links resolved. */
  file: string;
  /** As JSON. */
  metadata: string;
}

/** One run over the files that were found. */
export class BuildRun {
  readonly #store: VectorStore;
  /** The folder that the names of files are relative to; see `baseOf`. */
  #base: string;
  readonly #selection: Selection;
  readonly #found: Found;
  readonly #progress: BuildProgress;
  readonly #interruption: Interruption;
  /** Stored passages of the selected files, by id. */
  readonly #known = new Map<string, StoredPassage>();
  readonly #seen = new Set<string>();
  /** Files that were read. */
  readonly #readFiles = new Set<string>();
  /** Passages that were new to the store. */
  #added = 0;
  /** Passages that were in the store already with the same text and lines, and were not passed to it. */
  #skipped = 0;
  /** For each passage passed to the store, the bytes of the files that were read before it. */
  readonly #position: number[] = [];
  #bytesRead = 0;
  readonly #bytesTotal: number;
  readonly #decoded: DecodedFile[] = [];

  constructor(store: VectorStore, selection: Selection, found: Found, terminal: Terminal, interruption: Interruption) {
    this.#store = store;
    this.#base = dirname(withoutLinks(resolve(store.path)));
    this.#selection = selection;
    this.#found = found;
    this.#interruption = interruption;
    this.#bytesTotal = found.files.reduce((sum, file) => sum + file.bytes, 0);
    terminal.line(`${counted(found.files.length, "file")}, ${bytes(this.#bytesTotal)}`);
    this.#progress = new BuildProgress(terminal);
    interruption.onFirst = () =>
      this.#progress.note("Stopping after the running commit. Press Ctrl-C again to quit at once.");
  }

  /** Adds new passages, and updates the line numbers of moved ones. */
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

  /** Removes passages whose source is gone, unless the user stopped the run. */
  async finish(result: AddResult, { started, prune }: { started: number; prune: boolean }): Promise<Summary> {
    this.#throwIfStopped();
    const { leftOut, missing, passedOver } = this.#found;
    const sight = {
      roots: this.#selection.roots,
      missing,
      stored: new Map(Array.from(this.#known, ([id, { file }]) => [id, file])),
      seen: this.#seen,
      read: this.#readFiles,
      present: leftOut.present,
      unreadable: leftOut.unseen,
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
      decoded: this.#decoded,
      leftOut: leftOut.paths,
      passedOver,
      maxFileSize: this.#selection.mostBytes,
      seconds: Math.round(performance.now() - started) / 1000,
      stats: await this.#store.stats(),
    };
  }

  async #readKnown(): Promise<void> {
    const bySource = new Map<string, { id: string; metadata: string }[]>();
    for await (const passage of this.#store.passages()) {
      const source = sourceIn(passage);
      if (source === undefined) continue;
      const kept = { id: passage.id, metadata: JSON.stringify(passage.metadata) };
      const same = bySource.get(source);
      if (same) same.push(kept);
      else bySource.set(source, [kept]);
    }
    this.#findBase([...bySource.keys()]);
    const files = new Set<string>();
    for (const [source, passages] of bySource) {
      const file = withoutLinks(resolve(this.#base, source));
      if (!selects(this.#selection, file)) continue;
      files.add(file);
      for (const { id, metadata } of passages) this.#known.set(id, { file, metadata });
    }
    for (const path of this.#found.missing) {
      if (![...files].some((file) => isWithin(path, file))) throw missing(path);
    }
  }

  #findBase(sources: readonly string[]): void {
    const paths = this.#found.files.map(({ path }) => path);
    const base = baseOf(this.#base, sources, paths, this.#selection.roots);
    if (base === this.#base) return;
    this.#base = base;
    this.#progress.note("The store was moved. Its files keep the names that they have in it.");
  }

  async *#passages(): AsyncGenerator<FilePassage> {
    const turns = new Turns({ ms: 50 });
    for (const file of this.#found.files) {
      const passages = await this.#read(file);
      for (const [i, passage] of passages.entries()) {
        if (this.#interruption.stopped) return;
        const known = this.#known.get(passage.id);
        this.#seen.add(passage.id);
        if (known === undefined) this.#added++;
        if (known?.metadata === JSON.stringify(passage.metadata)) {
          this.#skipped++;
          continue;
        }
        this.#position.push(this.#bytesRead + (file.bytes * i) / passages.length);
        yield passage;
      }
      this.#bytesRead += file.bytes;
      // Splitting never waits for anything, so timers and signals get their turn here.
      await turns.give();
    }
  }

  async #read(file: Found["files"][number]): Promise<FilePassage[]> {
    const found = await this.#passagesOf(file);
    if ("reason" in found) {
      this.#found.leftOut.add(found.reason, file.path);
      return [];
    }
    this.#readFiles.add(file.path);
    const { passages, encoding, guessed } = found;
    if (encoding !== "utf-8") this.#decoded.push({ path: file.path, encoding, guessed });
    return passages;
  }

  async #passagesOf(file: Found["files"][number]): ReturnType<typeof passagesOf> {
    const { mostBytes } = this.#selection;
    try {
      return await passagesOf(file, { base: this.#base, embedder: this.#embedder(), mostBytes });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
      return { reason: reasonOf(error) };
    }
  }

  #embedder(): Embedder {
    // The store has chosen its embedder before it asks for the first passage.
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

  #throwIfStopped(): void {
    if (!this.#interruption.stopped) return;
    const done = count(this.#skipped + this.#position.length);
    throw new Interrupted(
      `Stopped with ${done} passages safe in the store. The same command continues from here.`,
      this.#interruption.exitCode,
    );
  }
}
