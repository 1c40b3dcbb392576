import { availableParallelism } from "node:os";
import type { Embedder, EmbedderSource, EmbedOptions, ShippedCodebook } from "../api/embedder.js";
import { wholeNumberWithin } from "../base/checks.js";
import type { Embedded, EngineSpec, TextKind } from "./engine.js";
import { type Pool, sharedPool } from "./pool.js";
import type { TextTokenizer } from "./tokenizer.js";

/** The name of a local model, how it is loaded, and what is known of it before. */
export interface LocalModel {
  readonly id: string;
  readonly dims: number | undefined;
  readonly maxTokens: number | undefined;
  readonly source: EmbedderSource | undefined;
  readonly codebook?: ShippedCodebook | undefined;
  /** Most child processes. Default: one per processor. */
  readonly workers: number | undefined;
  /** Called once, at first use. */
  readonly spec: () => Promise<EngineSpec>;
  /** Called once, when tokens are first counted; `undefined` if they cannot be counted. */
  readonly tokenizer: (() => Promise<TextTokenizer>) | undefined;
}

/** A model that runs in child processes on this machine. Nothing is loaded or started before the first text. */
export class LocalEmbedder implements Embedder {
  readonly id: string;
  readonly batch: number;
  readonly concurrency: number;
  /** Each text runs alone. */
  readonly batchInvariant = true;
  readonly maxTokens: number | undefined;
  readonly source: EmbedderSource | undefined;
  readonly codebook: ShippedCodebook | undefined;
  /** Tokens of a text, without the special ones; loads the model's vocabulary when first called (60 ms). */
  readonly countTokens?: (text: string) => number | Promise<number>;
  readonly #model: LocalModel;
  #dims: number | undefined;
  #running: Promise<{ pool: Pool; release: () => Promise<void> }> | undefined;
  #tokenizer: TextTokenizer | undefined;

  constructor(model: LocalModel) {
    const workers = wholeNumberWithin("workers", model.workers ?? availableParallelism(), 1, 1024);
    this.#model = { ...model, workers };
    this.#dims = model.dims;
    this.id = model.id;
    this.maxTokens = model.maxTokens;
    this.source = model.source;
    this.codebook = model.codebook;
    // Enough for two calls at once: while the last texts of one run, those of the next keep the other processes busy.
    this.batch = Math.max(32, 4 * workers);
    this.concurrency = 2 * this.batch;
    if (model.tokenizer) this.countTokens = (text) => this.#tokenizer?.count(text) ?? this.#loadAndCount(text);
  }

  get dims(): number | undefined {
    return this.#dims;
  }

  async embedDocuments(texts: string[], options: EmbedOptions = {}): Promise<Float32Array[]> {
    return (await this.#embed(texts, "passage", options)).map(({ vector }) => vector);
  }

  async embedQuery(text: string, options: EmbedOptions = {}): Promise<Float32Array> {
    return (await this.#embed([text], "question", options))[0]!.vector;
  }

  async preload(): Promise<void> {
    this.#running ??= this.#start();
    (await this.#running).pool.preload();
  }

  /** Ends the child processes unless another embedder of the same model uses them. The next text starts them again. */
  async close(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await (await running?.catch(() => undefined))?.release();
  }

  /** Process ids of the model's children. */
  async pids(): Promise<number[]> {
    return (await this.#running)?.pool.pids ?? [];
  }

  async #embed(texts: string[], kind: TextKind, { signal, onTruncated }: EmbedOptions): Promise<Embedded[]> {
    if (texts.length === 0) return [];
    this.#running ??= this.#start();
    const { pool } = await this.#running;
    const answers = await pool.embed(texts, { kind, signal });
    for (const [i, { tokens, truncated }] of answers.entries()) if (truncated) onTruncated?.(i, tokens);
    this.#dims ??= answers[0]!.vector.length;
    return answers;
  }

  async #start(): Promise<{ pool: Pool; release: () => Promise<void> }> {
    try {
      return sharedPool(await this.#model.spec(), this.#model.workers!);
    } catch (error) {
      this.#running = undefined;
      throw error;
    }
  }

  async #loadAndCount(text: string): Promise<number> {
    this.#tokenizer ??= await this.#model.tokenizer!();
    return this.#tokenizer.count(text);
  }
}
