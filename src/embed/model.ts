import type { Metric } from "../api/codes.js";
import type { Embedder, EmbedOptions } from "../api/embedder.js";
import { Slots } from "../base/concurrency.js";
import { EmbedlessError } from "../base/errors.js";
import { LruCache } from "../base/lru.js";
import type { StoredEmbedder } from "../storage/meta.js";
import type { Canary } from "../storage/model_rows.js";
import { checkCanaries } from "./fingerprint.js";
import { type EmbedderLimits, embedPassages, embedQuestion, limitsOf } from "./guard.js";
import { type Introduction, introduceEmbedder } from "./introduction.js";
import { SharedCalls } from "./shared_calls.js";

/** What a store knows about the model that created it. */
export interface KnownModel {
  id: string;
  dims: number;
  metric: Metric;
  canaries: readonly Canary[];
  /** Set if vectors depend on the batch; see `StoredEmbedder`. */
  batchCosine: StoredEmbedder["batchCosine"];
}

/** Question texts whose vectors are remembered. */
const REMEMBERED_QUESTIONS = 512;

/**
 * The store's embedder. Every call has a time limit, every answer is checked, and questions are remembered. Two
 * canaries must prove its identity before its first vector is used.
 */
export class Model {
  readonly embedder: Embedder;
  readonly #timeoutMs: number;
  readonly #minCosine: number;
  readonly #questions = new LruCache<string, Float32Array>(REMEMBERED_QUESTIONS, () => 1);
  readonly #asking: SharedCalls;
  #known: KnownModel | undefined;
  #oneByOne: Slots | undefined;
  #proof: Promise<void> | undefined;

  constructor(embedder: Embedder, options: { timeoutMs: number; minCosine: number }) {
    this.embedder = embedder;
    this.#timeoutMs = options.timeoutMs;
    this.#minCosine = options.minCosine;
    this.#asking = new SharedCalls(async ([text], signal) => [await this.#ask(text!, signal)]);
  }

  /** Whether `expect` was called already. Then the store need not be read again. */
  get isExpected(): boolean {
    return this.#known !== undefined;
  }

  /** How many texts it takes at once: one, if its vectors depend on the batch. */
  get limits(): EmbedderLimits {
    return this.#oneByOne ? { batch: 1, concurrency: 1 } : limitsOf(this.embedder);
  }

  /** Set for an embedder that gets one text at a time. */
  get oneByOne(): Slots | undefined {
    return this.#oneByOne;
  }

  /**
   * Sets the model that created the store, once the store exists.
   *
   * @throws EmbedlessError `MODEL_MISMATCH` or `DIMENSION_MISMATCH` if this embedder says that it is another one
   */
  expect(known: KnownModel): void {
    if (this.#known !== undefined) return;
    requireSameModel(known.id, this.embedder);
    const { dims } = this.embedder;
    if (dims !== undefined && dims !== known.dims) {
      throw new EmbedlessError("DIMENSION_MISMATCH", `The store has ${known.dims} dims, but the embedder has ${dims}.`);
    }
    this.#known = known;
    this.#turnTo(known.batchCosine);
  }

  /**
   * Determines what a new store must know about this model. Afterwards texts are embedded in batches only if that is
   * safe.
   *
   * @param passages The store's first texts; see `introduceEmbedder`.
   */
  async introduce(passages: readonly string[], metric: Metric, signal?: AbortSignal): Promise<Introduction> {
    const introduction = await introduceEmbedder(this.embedder, passages, {
      timeoutMs: this.#timeoutMs,
      minCosine: this.#minCosine,
      lengths: metric !== "cosine",
      signal,
    });
    this.#turnTo(introduction.batchCosine);
    return introduction;
  }

  /** Vectors of passages, in order. Throws what `embedPassages` throws, and `MODEL_MISMATCH`. */
  async embedPassages(texts: readonly string[], options: EmbedOptions = {}): Promise<Float32Array[]> {
    const [vectors] = await Promise.all([
      embedPassages(this.embedder, texts, { ...options, ...this.#guard(options.signal) }),
      this.#prove(),
    ]);
    return vectors;
  }

  /** The vector of a question. The same text is embedded once, also by searches at the same time. */
  async embedQuestion(text: string, signal?: AbortSignal): Promise<Float32Array> {
    const remembered = this.#questions.get(text);
    if (remembered) return remembered;
    const [answer] = await Promise.all([this.#asking.embed([text], signal), this.#prove()]);
    const vector = answer.vectors[0]!;
    this.#questions.set(text, vector);
    return vector;
  }

  /**
   * Embeds all canaries again, because exact scores disagree with codes. If the model fails this, neither it nor its
   * remembered vectors are used any more.
   *
   * @throws EmbedlessError `MODEL_MISMATCH`, or the embedder's failure
   */
  async proveAgain(): Promise<void> {
    this.#questions.clear();
    this.#proof = undefined;
    await this.#prove(this.#known?.canaries.length);
  }

  #ask(text: string, signal: AbortSignal): Promise<Float32Array> {
    return embedQuestion(this.embedder, text, this.#guard(signal));
  }

  /** Embeds canaries before the first vector is used. After another kind of failure it is tried again. */
  #prove(count = 2): Promise<void> {
    const known = this.#known;
    if (known === undefined) return Promise.resolve();
    this.#proof ??= checkCanaries(this.embedder, known.canaries, {
      timeoutMs: this.#timeoutMs,
      minCosine: this.#minCosine,
      lengths: known.metric !== "cosine",
      expected: known.id,
      count,
      oneByOne: this.#oneByOne,
    }).catch((error: unknown) => {
      if (!(error instanceof EmbedlessError && error.code === "MODEL_MISMATCH")) this.#proof = undefined;
      throw error;
    });
    return this.#proof;
  }

  #turnTo(batchCosine: KnownModel["batchCosine"]): void {
    this.#oneByOne = batchCosine === undefined ? undefined : (this.#oneByOne ?? new Slots(1));
  }

  #guard(signal: AbortSignal | undefined) {
    return {
      timeoutMs: this.#timeoutMs,
      dims: this.#known?.dims,
      oneByOne: this.#oneByOne,
      ...(signal && { signal }),
    };
  }
}

/** Throws `MODEL_MISMATCH` if the embedder's id differs from that of the store. */
export function requireSameModel(id: string, embedder: Embedder): void {
  if (embedder.id === id) return;
  throw new EmbedlessError(
    "MODEL_MISMATCH",
    `The store was created with the embedder ${id}, but ${embedder.id} was given.`,
  );
}
