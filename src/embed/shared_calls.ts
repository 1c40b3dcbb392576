import { withAnyOf } from "../base/abort.js";
import { Shared } from "../base/concurrency.js";
import { throwIfAborted } from "../base/errors.js";

/** Embeds texts. It must settle soon after its signal fires. */
export type EmbedTexts = (texts: string[], signal: AbortSignal) => Promise<Float32Array[]>;

/**
 * Shares running embeddings: a text that another caller is waiting for is not embedded a second time. A call is aborted
 * only when all callers that wait for any of its texts have given up.
 */
export class SharedCalls {
  readonly #embed: EmbedTexts;
  /** The running call of each text, and the text's index in that call. */
  readonly #running = new Map<string, { call: Shared<Float32Array[]>; position: number }>();

  constructor(embed: EmbedTexts) {
    this.#embed = embed;
  }

  /**
   * The vectors of `texts`, in order. Equal texts share one run. New texts are started longest first, so that the last
   * one to finish is short.
   *
   * @returns the vectors, and for each whether this call embedded it (`true`) or joined another call (`false`)
   * @throws `ABORTED` when `signal` fires; whatever the embedder throws
   */
  async embed(
    texts: readonly string[],
    signal?: AbortSignal,
  ): Promise<{ vectors: Float32Array[]; started: boolean[] }> {
    throwIfAborted(signal);
    const fresh = [...new Set(texts)].filter((text) => !this.#running.has(text));
    fresh.sort((a, b) => b.length - a.length);
    if (fresh.length > 0) this.#start(fresh);
    const places = texts.map((text) => this.#running.get(text)!);
    const calls = [...new Set(places.map(({ call }) => call))];
    const answers = new Map<Shared<Float32Array[]>, Float32Array[]>();
    // A failure also ends this caller's wait for the other calls.
    await withAnyOf([signal], async (own) => {
      await Promise.all(calls.map(async (call) => answers.set(call, await call.join(own))));
    });
    return {
      vectors: places.map(({ call, position }) => answers.get(call)![position]!),
      started: firstOf(texts, new Set(fresh)),
    };
  }

  #start(texts: string[]): void {
    const call = new Shared(
      (signal) => this.#embed(texts, signal),
      () => {
        for (const text of texts) if (this.#running.get(text)?.call === call) this.#running.delete(text);
      },
    );
    for (const [position, text] of texts.entries()) this.#running.set(text, { call, position });
  }
}

/** Marks the first occurrence of each text in `wanted`. Equal texts are embedded once, so only one of them counts. */
function firstOf(texts: readonly string[], wanted: Set<string>): boolean[] {
  return texts.map((text) => wanted.delete(text));
}
