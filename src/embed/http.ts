import { setTimeout as sleep } from "node:timers/promises";
import { checkKeys, wholeNumberWithin } from "../checks.js";
import { aborted, EmbedlessError, outOfRange, throwIfAborted, wrongType } from "../errors.js";
import { inBatches } from "./batches.js";
import { checkVectors, type Embedder, type EmbedderSource, type EmbedOptions } from "./embedder.js";
import { nonEmptyString, settingsDigest, string } from "./settings.js";

/** Options of `httpEmbedder`. */
export interface HttpOptions {
  /** Base address, such as `http://localhost:11434/v1`; `/embeddings` is added. */
  url: string;
  /** Name of the model as the server knows it. */
  model: string;
  /**
   * Sent as a bearer token; an empty one is none. Default: the environment variable `EMBEDLESS_API_KEY`. Never stored,
   * never in an error.
   */
  apiKey?: string;
  /** Further headers. Never stored. */
  headers?: Record<string, string>;
  /** Texts a request, 1 to 2,048. Default 64. */
  batch?: number;
  /** Length of the vectors, for models that can shorten them; sent to the server. Default: the model's own. */
  dimensions?: number;
  /** Requests under way at once, 1 to 64. Default 4. */
  concurrency?: number;
  /** Further attempts after status 429 or 5xx or a lost connection, 0 to 10. Default 2. */
  retries?: number;
  /** Put before each question. Default: nothing. */
  queryPrefix?: string;
  /** Put before each passage. Default: nothing. */
  passagePrefix?: string;
}

/** Largest answer that is read. 2,048 vectors of 4,096 dims as JSON take about 100 MB; larger is a mistake or an attack. */
const LARGEST_ANSWER = 128 * 2 ** 20;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;

/**
 * A model behind an HTTP server that speaks the OpenAI protocol: OpenAI, Ollama, llama.cpp, vLLM, LM Studio, text
 * embeddings inference and others. Every search calls the server for its question and for the passages that it recomputes.
 *
 * The id names the model, not the address, so that a server may move; that it is the same model is what the canaries check.
 * Redirects are refused: texts go to the address that was named, and nowhere else.
 */
export function httpEmbedder(options: HttpOptions): Embedder {
  return new HttpEmbedder(options);
}

class HttpEmbedder implements Embedder {
  readonly id: string;
  readonly batch: number;
  readonly concurrency: number;
  readonly source: EmbedderSource | undefined;
  readonly #endpoint: URL;
  readonly #model: string;
  readonly #dimensions: number | undefined;
  readonly #headers: Record<string, string>;
  readonly #apiKey: string | undefined;
  readonly #lanes: number;
  readonly #retries: number;
  readonly #queryPrefix: string;
  readonly #passagePrefix: string;
  #dims: number | undefined;

  constructor(options: HttpOptions) {
    const { url, model, apiKey, headers, batch, dimensions, concurrency, retries, queryPrefix, passagePrefix } =
      options;
    const keys = {
      url: 1,
      model: 1,
      apiKey: 1,
      headers: 1,
      batch: 1,
      dimensions: 1,
      concurrency: 1,
      retries: 1,
    } as const;
    checkKeys("httpEmbedder", options, { ...keys, queryPrefix: 1, passagePrefix: 1 });
    this.#endpoint = endpoint(url);
    this.#model = nonEmptyString("model", model);
    this.#apiKey = (apiKey === undefined ? process.env["EMBEDLESS_API_KEY"] : string("apiKey", apiKey)) || undefined;
    this.#headers = checkHeaders(headers);
    this.batch = wholeNumberWithin("batch", batch ?? 64, 1, 2048);
    this.#dimensions = dimensions === undefined ? undefined : wholeNumberWithin("dimensions", dimensions, 1, 65_536);
    this.#lanes = wholeNumberWithin("concurrency", concurrency ?? 4, 1, 64);
    this.concurrency = this.batch * this.#lanes;
    this.#retries = wholeNumberWithin("retries", retries ?? 2, 0, 10);
    this.#queryPrefix = string("queryPrefix", queryPrefix ?? "");
    this.#passagePrefix = string("passagePrefix", passagePrefix ?? "");
    this.#dims = dimensions;
    const prefixes = { queryPrefix: this.#queryPrefix, passagePrefix: this.#passagePrefix };
    const chosen = dimensions || queryPrefix || passagePrefix ? `:${settingsDigest(dimensions ?? 0, prefixes)}` : "";
    this.id = `http:${this.#model}${chosen}`;
    // A query in the address may hold a secret, so such an embedder has to be given at each opening.
    const source = {
      kind: "http",
      url,
      model,
      ...(dimensions && { dimensions }),
      ...prefixes,
      batch: this.batch,
    } as const;
    this.source = this.#endpoint.search ? undefined : source;
  }

  get dims(): number | undefined {
    return this.#dims;
  }

  async embedDocuments(texts: string[], options: EmbedOptions = {}): Promise<Float32Array[]> {
    const vectors = new Array<Float32Array>(texts.length);
    throwIfAborted(options.signal);
    const limits = { size: this.batch, lanes: this.#lanes, signal: options.signal };
    await inBatches(texts, limits, async ({ start, items }, signal) => {
      const answer = await this.#request(
        items.map((text) => this.#passagePrefix + text),
        signal,
      );
      for (const [i, vector] of answer.entries()) vectors[start + i] = vector;
    });
    return vectors;
  }

  async embedQuery(text: string, options: EmbedOptions = {}): Promise<Float32Array> {
    return (await this.#request([this.#queryPrefix + text], options.signal))[0]!;
  }

  async #request(texts: string[], signal: AbortSignal | undefined): Promise<Float32Array[]> {
    for (let attempt = 0; ; attempt++) {
      const { vectors, error, pauseMs } = await this.#attempt(texts, signal);
      if (vectors) {
        const checked = checkVectors(this.id, vectors, texts, this.#dims);
        this.#dims ??= checked[0]?.length;
        return checked;
      }
      throwIfAborted(signal);
      const pause = pauseMs ?? FIRST_PAUSE_MS * 2 ** attempt;
      if (!error.transient || attempt >= this.#retries || pause > LONGEST_PAUSE_MS) throw error.failure;
      await sleep(pause, undefined, signal ? { signal } : {}).catch(() => throwIfAborted(signal));
    }
  }

  async #attempt(texts: string[], signal: AbortSignal | undefined): Promise<Attempt> {
    try {
      const response = await fetch(this.#endpoint, {
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
      const body = await this.#read(response);
      if (response.ok) return { vectors: this.#parse(body) };
      const transient = response.status === 429 || response.status >= 500;
      const failure = this.#failed(`answered ${response.status}${reason(response, body)}`);
      return { error: { failure, transient }, pauseMs: retryAfter(response) };
    } catch (cause) {
      if (cause instanceof EmbedlessError) throw cause;
      if (signal?.aborted) throw aborted(signal);
      const { code, message } = (cause as { cause?: NodeJS.ErrnoException }).cause ?? (cause as NodeJS.ErrnoException);
      const transient = code === "ECONNRESET" || code === "EPIPE" || code === "UND_ERR_SOCKET";
      return { error: { failure: this.#failed(`cannot be reached: ${message || code}`, cause), transient } };
    }
  }

  async #read(response: Response): Promise<string> {
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for await (const piece of response.body ?? []) {
      bytes += piece.length;
      if (bytes > LARGEST_ANSWER)
        throw new EmbedlessError(
          "EMBEDDER_OUTPUT",
          `The server ${this.#where()} answered more than ${LARGEST_ANSWER} bytes.`,
        );
      pieces.push(piece);
    }
    return Buffer.concat(pieces).toString("utf8");
  }

  /** The vectors of an answer by their `index`, as float arrays or as base64 of little-endian float32. */
  #parse(body: string): ArrayLike<number>[] {
    const nonsense = (what: string): EmbedlessError =>
      new EmbedlessError("EMBEDDER_OUTPUT", `The server ${this.#where()} answered ${what}.`);
    let data: unknown;
    try {
      data = (JSON.parse(body) as { data?: unknown } | null)?.data;
    } catch {
      throw nonsense("something that is not JSON");
    }
    if (!Array.isArray(data)) throw nonsense('JSON without the array "data"');
    const vectors: ArrayLike<number>[] = [];
    for (const [place, item] of (data as { index?: unknown; embedding?: unknown }[]).entries()) {
      const index = Number.isInteger(item?.index) ? (item.index as number) : place;
      if (index < 0 || index >= data.length || vectors[index])
        throw nonsense(`the index ${index} twice or out of range`);
      vectors[index] = typeof item?.embedding === "string" ? decoded(item.embedding) : (item?.embedding as number[]);
    }
    return vectors;
  }

  #failed(what: string, cause?: unknown): EmbedlessError {
    const message = `The server ${this.#where()} ${what}.`;
    const silent = this.#apiKey ? message.replaceAll(this.#apiKey, "***") : message;
    // A cause may quote the request and with it the key.
    return new EmbedlessError("EMBEDDER_FAILED", silent, this.#apiKey ? {} : { cause });
  }

  #where(): string {
    return `${this.#endpoint.origin}${this.#endpoint.pathname}`;
  }
}

type Attempt =
  | { vectors: ArrayLike<number>[]; error?: never; pauseMs?: never }
  | { vectors?: never; error: { failure: EmbedlessError; transient: boolean }; pauseMs?: number | undefined };

function endpoint(value: unknown): URL {
  const text = nonEmptyString("url", value);
  const expected = "an http or https address without user and password";
  if (!URL.canParse(text)) throw outOfRange("url", expected, value);
  const url = new URL(text);
  if (!/^https?:$/.test(url.protocol)) throw outOfRange("url", expected, value);
  if (url.username || url.password || url.hash) throw outOfRange("url", expected, "one that has them, or a fragment");
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/embeddings`;
  return url;
}

function checkHeaders(headers: unknown): Record<string, string> {
  if (headers === undefined) return {};
  const plain = typeof headers === "object" && headers !== null && !Array.isArray(headers);
  if (!plain || Object.values(headers).some((value) => typeof value !== "string"))
    throw wrongType("headers", "an object of strings", headers);
  return { ...(headers as Record<string, string>) };
}

/** What a server says about its refusal, cut short. */
function reason(response: Response, body: string): string {
  if (response.status >= 300 && response.status < 400) return ", a redirect, which is not followed";
  let said: unknown;
  try {
    const { error, message, detail } = JSON.parse(body) as Record<string, unknown>;
    said = (error as { message?: unknown } | undefined)?.message ?? error ?? message ?? detail;
  } catch {
    said = undefined;
  }
  const text = (typeof said === "string" ? said : body).trim().replace(/\s+/g, " ").replace(/\.$/, "");
  return text ? `: ${text.slice(0, 300)}` : "";
}

/** Milliseconds that the header `Retry-After` asks for, given in seconds or as a date. */
function retryAfter(response: Response): number | undefined {
  const header = response.headers.get("retry-after")?.trim();
  if (!header) return undefined;
  const ms = /^\d+(\.\d+)?$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

function decoded(base64: string): Float32Array {
  const bytes = Buffer.from(base64, "base64");
  return Float32Array.from({ length: Math.floor(bytes.length / 4) }, (_, i) => bytes.readFloatLE(4 * i));
}
