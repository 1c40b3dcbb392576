import { setTimeout as sleep } from "node:timers/promises";
import { checkVectors, type Embedder, type EmbedderSource, type EmbedOptions } from "../api/embedder.js";
import { boolean, checkKeys, wholeNumberWithin } from "../base/checks.js";
import { inBatches, Slots } from "../base/concurrency.js";
import { aborted, EmbedlessError, show, throwIfAborted, wrongType } from "../base/errors.js";
import {
  endpointsOf,
  fewerThan,
  isAboutTexts,
  isTooLong,
  type Refusal,
  readAnswer,
  reasonOf,
  retryAfter,
  saysWhy,
  shortened,
  tokensOf,
  vectorsOf,
} from "./http_answer.js";
import { nonEmptyString, settingsDigest, string } from "./settings.js";

/** Options of `httpEmbedder`. */
export interface HttpOptions {
  /** Address, such as `http://localhost:11434`, with or without `/v1` and `/embeddings`. */
  url: string;
  /** Name of the model on the server. */
  model: string;
  /**
   * Key sent as a bearer token. An empty string sends none. Default: the environment variable `EMBEDLESS_API_KEY`. The
   * key is never stored and never part of an error.
   */
  apiKey?: string;
  /** More headers for every request. Never stored. */
  headers?: Record<string, string>;
  /** Most texts per request, 1 to 2,048. If the server refuses that many, later requests are smaller. Default 64. */
  batch?: number;
  /** Length of the vectors, sent to the server, for models that can shorten them. Default: the model's own. */
  dimensions?: number;
  /** Most requests at the same time, 1 to 64. Default 4. */
  concurrency?: number;
  /** Number of retries after status 429 or 5xx or a lost connection, 0 to 10. Default 2. */
  retries?: number;
  /** Text put before each question. Default: nothing. */
  queryPrefix?: string;
  /** Text put before each passage. Default: nothing. */
  passagePrefix?: string;
  /**
   * What happens to a text that the server refuses as too long. `true`: its end is cut off until the server accepts it,
   * which takes a few refused requests, and it is counted as truncated. Default `false`: the call fails with `LIMIT`
   * and names the text.
   */
  truncate?: boolean;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;
/** Most characters of a server's message that an error shows. */
const SHOWN_REASON = 300;

const KEYS = {
  url: 1,
  model: 1,
  apiKey: 1,
  headers: 1,
  batch: 1,
  dimensions: 1,
  concurrency: 1,
  retries: 1,
  queryPrefix: 1,
  passagePrefix: 1,
  truncate: 1,
} as const;

/**
 * Creates an embedder for a server that speaks the OpenAI protocol: OpenAI, Ollama, llama.cpp, vLLM, LM Studio, text
 * embeddings inference and others. Every search calls the server for its question and for the passages that it
 * recomputes.
 *
 * The id names the model and not the address, so the server may move. Canaries check that it is still the same model.
 * Redirects are refused, so texts go only to the named address.
 */
export function httpEmbedder(options: HttpOptions): Embedder {
  return new HttpEmbedder(options);
}

class HttpEmbedder implements Embedder {
  readonly id: string;
  readonly source: EmbedderSource | undefined;
  readonly #model: string;
  readonly #dimensions: number | undefined;
  readonly #headers: Record<string, string>;
  readonly #apiKey: string | undefined;
  readonly #lanes: number;
  readonly #slots: Slots;
  readonly #retries: number;
  readonly #queryPrefix: string;
  readonly #passagePrefix: string;
  readonly #truncate: boolean;
  /** All addresses that `url` may mean, until one of them has answered with vectors. */
  #endpoints: readonly URL[];
  #batch: number;
  #dims: number | undefined;

  constructor(options: HttpOptions) {
    checkKeys("httpEmbedder", options, KEYS);
    const { url, model, apiKey, headers, dimensions, queryPrefix, passagePrefix } = options;
    this.#endpoints = endpointsOf(url);
    this.#model = nonEmptyString("model", model);
    this.#apiKey = (apiKey === undefined ? process.env["EMBEDLESS_API_KEY"] : string("apiKey", apiKey)) || undefined;
    this.#headers = checkHeaders(headers);
    const batch = wholeNumberWithin("batch", options.batch ?? 64, 1, 2048);
    this.#batch = batch;
    this.#dimensions = dimensions === undefined ? undefined : wholeNumberWithin("dimensions", dimensions, 1, 65_536);
    this.#lanes = wholeNumberWithin("concurrency", options.concurrency ?? 4, 1, 64);
    this.#slots = new Slots(this.#lanes);
    this.#retries = wholeNumberWithin("retries", options.retries ?? 2, 0, 10);
    this.#queryPrefix = string("queryPrefix", queryPrefix ?? "");
    this.#passagePrefix = string("passagePrefix", passagePrefix ?? "");
    this.#truncate = boolean("truncate", options.truncate, false);
    this.#dims = dimensions;
    const prefixes = { queryPrefix: this.#queryPrefix, passagePrefix: this.#passagePrefix };
    const cut = this.#truncate ? { truncate: true } : {};
    const isPlain = !dimensions && !queryPrefix && !passagePrefix && !this.#truncate;
    this.id = `http:${this.#model}${isPlain ? "" : `:${settingsDigest(dimensions ?? 0, { ...prefixes, ...cut })}`}`;
    const source = { kind: "http", url, model, ...(dimensions && { dimensions }), ...prefixes, batch, ...cut } as const;
    // The query of an address may hold a secret. It must not be stored, so such an embedder is given at each opening.
    this.source = this.#endpoints[0]!.search ? undefined : source;
  }

  get dims(): number | undefined {
    return this.#dims;
  }

  get batch(): number {
    return this.#batch;
  }

  get concurrency(): number {
    return this.#batch * this.#lanes;
  }

  async embedDocuments(texts: string[], options: EmbedOptions = {}): Promise<Float32Array[]> {
    const vectors = new Array<Float32Array>(texts.length);
    throwIfAborted(options.signal);
    const limits = { size: this.#batch, lanes: this.#lanes, signal: options.signal };
    await inBatches(texts, limits, async ({ start, items }, signal) => {
      const prefixed = items.map((text) => this.#passagePrefix + text);
      const { onTruncated } = options;
      await this.#embed({ texts: prefixed, start, prefix: this.#passagePrefix, signal, onTruncated }, vectors);
    });
    return vectors;
  }

  async embedQuery(text: string, { signal, onTruncated }: EmbedOptions = {}): Promise<Float32Array> {
    const vectors: Float32Array[] = [];
    const prefix = this.#queryPrefix;
    await this.#embedOne({ texts: [prefix + text], start: 0, prefix, signal, onTruncated }, vectors);
    return vectors[0]!;
  }

  /** Embeds texts in as many requests as the server needs. Answers `true` if no text had to be cut. */
  async #embed(run: Run, vectors: Float32Array[]): Promise<boolean> {
    const { texts, start, signal } = run;
    if (texts.length === 1) return await this.#slots.run(() => this.#embedOne(run, vectors), signal);
    let size = this.#batch;
    if (texts.length <= size) {
      const answer = await this.#slots.run(() => this.#request(texts, signal), signal);
      if ("vectors" in answer) {
        for (const [i, vector] of answer.vectors.entries()) vectors[start + i] = vector;
        return true;
      }
      size = Math.min(this.#batch, fewerThan(texts.length, answer.refusal));
    }
    let wasNumber = true;
    for (let at = 0; at < texts.length; at += size) {
      // The batch may have become smaller while an earlier part was embedded.
      size = Math.min(size, this.#batch);
      const part = { ...run, texts: texts.slice(at, at + size), start: start + at };
      wasNumber = (await this.#embed(part, vectors)) && wasNumber;
    }
    // If a text was too long, the refusal says nothing about the number of texts.
    if (wasNumber) this.#batch = Math.min(this.#batch, size);
    return wasNumber;
  }

  /** Embeds one text, and cuts it if that is needed and allowed. Answers `true` if it was not cut. */
  async #embedOne({ texts, start, prefix, signal, onTruncated }: Run, vectors: Float32Array[]): Promise<boolean> {
    let text = texts[0]!;
    let tokens: number | undefined;
    for (;;) {
      const answer = await this.#request([text], signal);
      if ("vectors" in answer) {
        vectors[start] = answer.vectors[0]!;
        if (tokens !== undefined) onTruncated?.(start, tokens);
        return tokens === undefined;
      }
      const { refusal, failure } = answer;
      const shorter = shortened(text, refusal);
      const mayCut = this.#truncate && isTooLong(refusal) && shorter.length > prefix.length;
      if (!mayCut) throw this.#refused(texts[0]!.slice(prefix.length), start, { refusal, failure });
      tokens ??= tokensOf(refusal);
      text = shorter;
    }
  }

  /** The error for a text that the server refuses. */
  #refused(text: string, index: number, { refusal, failure }: Refused): EmbedlessError {
    // If the server has never embedded anything, the refusal need not be about this text.
    if (!isTooLong(refusal) && this.#dims === undefined) return failure;
    const help = "truncate: true (--truncate) embeds its beginning";
    const error = isTooLong(refusal)
      ? new EmbedlessError("LIMIT", `${failure.message.replace(/\.$/, "")}: ${show(text)} is too long; ${help}.`)
      : new EmbedlessError("EMBEDDER_FAILED", `${failure.message.replace(/\.$/, "")}, for ${show(text)}.`);
    return Object.assign(error, { textIndex: index });
  }

  async #request(texts: string[], signal: AbortSignal | undefined): Promise<{ vectors: Float32Array[] } | Refused> {
    for (let attempt = 0; ; attempt++) {
      const { vectors, failed } = await this.#attempt(texts, signal);
      if (vectors) {
        const checked = checkVectors(this.id, vectors, texts, this.#dims);
        this.#dims ??= checked[0]?.length;
        return { vectors: checked };
      }
      throwIfAborted(signal);
      const { failure, refusal, transient } = failed;
      if (refusal) return { refusal, failure };
      const pause = failed.pauseMs ?? FIRST_PAUSE_MS * 2 ** attempt;
      if (!transient || attempt >= this.#retries || pause > LONGEST_PAUSE_MS) throw failure;
      await sleep(pause, undefined, signal ? { signal } : {}).catch(() => throwIfAborted(signal));
    }
  }

  /** Tries each address that `url` may mean, until one speaks the protocol. */
  async #attempt(texts: string[], signal: AbortSignal | undefined): Promise<Attempt> {
    let missed: Failed | undefined;
    for (const endpoint of this.#endpoints) {
      const attempt = await this.#ask(endpoint, texts, signal);
      const { vectors, failed } = attempt;
      if (vectors) this.#endpoints = [endpoint];
      if (!failed?.isMissing) return attempt;
      // A server that gives a reason knows the address, but not the model.
      if (missed === undefined || (failed.saysWhy && !missed.saysWhy)) missed = failed;
    }
    return { failed: missed! };
  }

  async #ask(endpoint: URL, texts: string[], signal: AbortSignal | undefined): Promise<Attempt> {
    const where = `${endpoint.origin}${endpoint.pathname}`;
    try {
      const response = await fetch(endpoint, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          accept: "application/json",
          ...(this.#apiKey && { authorization: `Bearer ${this.#apiKey}` }),
          ...this.#headers,
        },
        body: JSON.stringify({
          model: this.#model,
          input: texts,
          ...(this.#dimensions && { dimensions: this.#dimensions }),
        }),
        redirect: "manual",
        ...(signal && { signal }),
      });
      const body = await readAnswer(response, where);
      if (response.ok) return { vectors: vectorsOf(body, where) };
      return { failed: this.#failed(where, response, body) };
    } catch (cause) {
      if (signal?.aborted) throw aborted(signal);
      if (cause instanceof EmbedlessError) {
        // The server may speak another protocol at this address.
        if (this.#endpoints.length > 1) return { failed: { failure: cause, transient: false, isMissing: true } };
        throw cause;
      }
      const { code, message } = (cause as { cause?: NodeJS.ErrnoException }).cause ?? (cause as NodeJS.ErrnoException);
      const transient = code === "ECONNRESET" || code === "EPIPE" || code === "UND_ERR_SOCKET";
      return { failed: { failure: this.#error(where, `cannot be reached: ${message || code}`, cause), transient } };
    }
  }

  #failed(where: string, response: Response, body: string): Failed {
    const { status } = response;
    const words = reasonOf(response, body);
    const said = words === "" ? "" : `${status < 400 ? "," : ":"} ${words.slice(0, SHOWN_REASON)}`;
    const refusal = { status, words };
    return {
      failure: this.#error(where, `answered ${status}${said}`),
      transient: status === 429 || status >= 500,
      ...(isAboutTexts(refusal) && { refusal }),
      pauseMs: retryAfter(response),
      isMissing: status === 404 || status === 405,
      saysWhy: saysWhy(body),
    };
  }

  #error(where: string, what: string, cause?: unknown): EmbedlessError {
    const message = `The server ${where} ${what}.`;
    const silent = this.#apiKey ? message.replaceAll(this.#apiKey, "***") : message;
    // The cause may quote the request, and with it the key.
    return new EmbedlessError("EMBEDDER_FAILED", silent, this.#apiKey ? {} : { cause });
  }
}

/** Texts to embed with their prefix, and the index of the first one in the call. */
interface Run {
  readonly texts: string[];
  readonly start: number;
  readonly prefix: string;
  readonly signal: AbortSignal | undefined;
  readonly onTruncated: EmbedOptions["onTruncated"];
}

/** A refusal that may be about these texts alone, and the error to throw if it is not. */
interface Refused {
  readonly refusal: Refusal;
  readonly failure: EmbedlessError;
}

/** A request that brought no vectors. */
interface Failed {
  readonly failure: EmbedlessError;
  readonly transient: boolean;
  readonly refusal?: Refusal;
  readonly pauseMs?: number | undefined;
  /** Nothing was found at the address. */
  readonly isMissing?: boolean;
  /** The server gives a reason in JSON. */
  readonly saysWhy?: boolean;
}

type Attempt = { vectors: ArrayLike<number>[]; failed?: never } | { vectors?: never; failed: Failed };

function checkHeaders(headers: unknown): Record<string, string> {
  if (headers === undefined) return {};
  const plain = typeof headers === "object" && headers !== null && !Array.isArray(headers);
  if (!plain || Object.values(headers).some((value) => typeof value !== "string"))
    throw wrongType("headers", "an object of strings", headers);
  return { ...(headers as Record<string, string>) };
}
