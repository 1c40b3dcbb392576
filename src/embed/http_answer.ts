import { EmbedlessError } from "../errors.js";

/** Largest answer that is read. 2,048 vectors of 4,096 dims as JSON take about 100 MB; larger is a mistake or an attack. */
const LARGEST_ANSWER = 128 * 2 ** 20;

/** The text of an answer. Throws `EMBEDDER_OUTPUT` above 128 MB. @param where The server, for the error. */
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

/** Characters that are read of a refusal: what matters is said in a sentence, and any server may send millions. */
const LONGEST_REASON = 2_000;

/** What a server says about its refusal, in one line without a full stop; empty if it says nothing. */
export function reasonOf(response: Response, body: string): string {
  if (response.status >= 300 && response.status < 400) return "a redirect, which is not followed";
  const words = (wordsOf(body) ?? body).slice(0, LONGEST_REASON);
  return words.trim().replace(/\s+/g, " ").replace(/\.$/, "");
}

/** Whether an answer is of a server that knows the address: its errors are JSON that says something. */
export function saysWhy(body: string): boolean {
  return wordsOf(body) !== undefined;
}

function wordsOf(body: string): string | undefined {
  try {
    const { error, message, detail } = JSON.parse(body) as Record<string, unknown>;
    const said = (error as { message?: unknown } | undefined)?.message ?? error ?? message ?? detail;
    if (typeof said === "string") return said;
    // Frameworks that check requests list what is wrong with each part.
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
