import { EmbedlessError, outOfRange } from "../base/errors.js";
import { nonEmptyString } from "./settings.js";

/**
 * Largest answer that is read. 2,048 vectors of 4,096 dims as JSON take about 100 MB. Anything larger is a mistake or
 * an attack.
 */
const LARGEST_ANSWER = 128 * 2 ** 20;

/**
 * The text of an answer. Throws `EMBEDDER_OUTPUT` above 128 MB.
 *
 * @param where The server, for the error.
 */
export async function readAnswer(response: Response, where: string): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.length;
    if (bytes > LARGEST_ANSWER)
      throw new EmbedlessError("EMBEDDER_OUTPUT", `The server ${where} answered more than ${LARGEST_ANSWER} bytes.`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

/** The vectors of an answer by their `index`, as float arrays or as base64 of little-endian float32. */
export function vectorsOf(body: string, where: string): ArrayLike<number>[] {
  const nonsense = (what: string): EmbedlessError =>
    new EmbedlessError("EMBEDDER_OUTPUT", `The server ${where} answered ${what}.`);
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
    if (index < 0 || index >= data.length || vectors[index]) throw nonsense(`the index ${index} twice or out of range`);
    vectors[index] = typeof item?.embedding === "string" ? decoded(item.embedding) : (item?.embedding as number[]);
  }
  return vectors;
}

/** Most characters that are read of a refusal. One sentence says what matters, but a server may send millions. */
const LONGEST_REASON = 2_000;

/** The server's reason for a refusal, in one line without a full stop. Empty if it gives none. */
export function reasonOf(response: Response, body: string): string {
  if (response.status >= 300 && response.status < 400) return "a redirect, which is not followed";
  const words = (wordsOf(body) ?? body).slice(0, LONGEST_REASON);
  return words.trim().replace(/\s+/g, " ").replace(/\.$/, "");
}

/** Whether the answer comes from a server that knows the address: its errors are JSON with a message. */
export function saysWhy(body: string): boolean {
  return wordsOf(body) !== undefined;
}

function wordsOf(body: string): string | undefined {
  try {
    const { error, message, detail } = JSON.parse(body) as Record<string, unknown>;
    const said = (error as { message?: unknown } | undefined)?.message ?? error ?? message ?? detail;
    if (typeof said === "string") return said;
    // Frameworks that validate requests list what is wrong with each part.
    const first = Array.isArray(said) ? (said[0] as { msg?: unknown } | undefined)?.msg : undefined;
    return typeof first === "string" ? first : undefined;
  } catch {
    return undefined;
  }
}

/** Milliseconds that the header `Retry-After` asks for, given in seconds or as a date. */
export function retryAfter(response: Response): number | undefined {
  const header = response.headers.get("retry-after")?.trim();
  if (!header) return undefined;
  const ms = /^\d+(\.\d+)?$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

function decoded(base64: string): Float32Array {
  const bytes = Buffer.from(base64, "base64");
  return Float32Array.from({ length: Math.floor(bytes.length / 4) }, (_, i) => bytes.readFloatLE(4 * i));
}

/**
 * Interprets refusals of embedding servers. OpenAI, Azure, text embeddings inference, vLLM, Ollama, llama.cpp,
 * DashScope, Mistral, Cohere and Voyage each have their own words and codes for too many texts, too many tokens in
 * total, or a text that is too long.
 */

/** A server's refusal of these texts, which it would repeat for the same texts. */
export interface Refusal {
  readonly status: number;
  /** The server's message. */
  readonly words: string;
}

/** Messages about the length of a text. llama.cpp calls the tokens of a text a batch too. */
const TOO_LONG = [
  /context (length|size|window)|too (long|large)\b|physical batch size|token limit|sequence length/i,
  /(less than|at most|larger than|longer than|exceed\w*|max\w*|limit\w*)\b[^.]*\b(token|character|length)/i,
  /\b(token|character|length)\w*\b[^.]*(exceed|larger than|longer than|max|limit)/i,
];
/** Patterns for the number that a text has and the number that it may have. */
const HAS = /(?:given|requested|got|received|has|have|contains?|resulted in|length(?: of)?)\W{0,4}(\d+)/i;
const MAY_HAVE = /(?:less than|at most|larger than|longer than|exceed\w*|max\w*|limit\w*)[^.\d]{0,40}(\d+)/i;

/** Whether the refusal is about the texts, so that fewer or shorter ones may be accepted. */
export function isAboutTexts({ status, words }: Refusal): boolean {
  if (status === 400 || status === 413 || status === 422) return true;
  // If a single request exceeds a limit of tokens per minute, waiting does not help.
  if (status === 429) return /request too large/i.test(words);
  return status === 500 && isTooLong({ status, words });
}

/** Whether a refusal of one text says that it is too long. */
export function isTooLong({ status, words }: Refusal): boolean {
  return status === 413 || TOO_LONG.some((pattern) => pattern.test(words));
}

/** How many texts to send instead of the refused `count`: the number that the server names, else half of them. */
export function fewerThan(count: number, { words }: Refusal): number {
  const named = (words.match(/\d+/g) ?? []).map(Number).filter((number) => number >= 1 && number < count);
  return named.length > 0 && /batch|text|input|array|item|request/i.test(words)
    ? Math.max(...named)
    : Math.ceil(count / 2);
}

/** Tokens of a text that was refused for its length, as the server counts them; `NaN` if it does not say. */
export function tokensOf({ words }: Refusal): number {
  const [has, may] = [HAS.exec(words)?.[1], MAY_HAVE.exec(words)?.[1]].map(Number);
  return has! > may! ? has! : Number.NaN;
}

/**
 * The beginning of a text that was refused for its length: as much as the server's figures allow, else three quarters.
 */
export function shortened(text: string, refusal: Refusal): string {
  const tokens = tokensOf(refusal);
  const most = Number(MAY_HAVE.exec(refusal.words)?.[1]);
  const share = tokens > most ? Math.min(0.95, (0.97 * most) / tokens) : 0.75;
  // A surrogate pair must not be cut in half.
  return text.slice(0, Math.floor(text.length * share)).replace(/[\uD800-\uDBFF]$/, "");
}

/**
 * The addresses that a base address may mean, likeliest first: with and without `/v1`, with and without `/embeddings`,
 * with and without slashes at the end.
 *
 * @throws `INVALID_ARGUMENT` for anything but an http or https address without user, password and fragment
 */
export function endpointsOf(value: unknown): URL[] {
  const text = nonEmptyString("url", value);
  const expected = "an http or https address without user, password and fragment";
  if (!URL.canParse(text)) throw outOfRange("url", expected, value);
  const url = new URL(text);
  if (!/^https?:$/.test(url.protocol)) throw outOfRange("url", expected, value);
  if (url.username || url.password || url.hash) {
    // The error does not show the address, because it may hold a password.
    throw new EmbedlessError(
      "INVALID_ARGUMENT",
      `Expected ${expected} for url, but received one with at least one of these parts.`,
    );
  }
  const path = url.pathname.replace(/\/+$/, "");
  return pathsOf(path).map((pathname) => Object.assign(new URL(url), { pathname }));
}

function pathsOf(path: string): string[] {
  // Ollama's own protocol is different. Under /v1 it speaks this one.
  const own = /^(.*)\/api(\/embed|\/embeddings)?$/.exec(path);
  if (own) return [path.endsWith("/embeddings") ? path : `${own[1]}/api/embeddings`, `${own[1]}/v1/embeddings`];
  if (path.endsWith("/embeddings")) return [path];
  if (/\/v\d+\w*$/.test(path)) return [`${path}/embeddings`];
  const [plain, versioned] = [`${path}/embeddings`, `${path}/v1/embeddings`];
  // A bare host nearly always has its protocol under /v1. An address with a path was probably copied whole.
  return path === "" ? [versioned, plain] : [plain, versioned];
}
