import { checkVectors, type Embedder, type EmbedOptions } from "../api/embedder.js";
import { abortController, onAbort } from "../base/abort.js";
import { wholeNumberWithin } from "../base/checks.js";
import { inBatches, type Slots } from "../base/concurrency.js";
import { aborted, EmbedlessError, isError, throwIfAborted } from "../base/errors.js";

/** Limits of a call of an embedder. */
export interface GuardOptions extends Omit<EmbedOptions, "signal"> {
  signal?: AbortSignal | undefined;
  /** Longest time that one call may take, in milliseconds. Default 120,000; `Infinity`: no limit. */
  timeoutMs?: number | undefined;
  /** Length that vectors must have. Default: what the embedder says, else the length of its first vector. */
  dims?: number | undefined;
  /** For an embedder whose vectors depend on the batch: one text per call and one call at a time. */
  oneByOne?: Slots | undefined;
}

const DEFAULT_TIMEOUT_MS = 120_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Embeds passages with any embedder and checks everything. Each call gets `embedder.batch` texts and a time limit, and
 * as many calls run at once as its `concurrency` allows. Every vector is checked and copied.
 *
 * @returns one vector per text, in order
 * @throws EmbedlessError `EMBEDDER_FAILED` (with the embedder's error as `cause`), `EMBEDDER_TIMEOUT`,
 *   `EMBEDDER_OUTPUT`, `ABORTED`. An `EmbedlessError` of the embedder passes unchanged.
 */
export async function embedPassages(
  embedder: Embedder,
  texts: readonly string[],
  options: GuardOptions = {},
): Promise<Float32Array[]> {
  throwIfAborted(options.signal);
  const { size, lanes } = batchesOf(embedder, options.oneByOne);
  const vectors = new Array<Float32Array>(texts.length);
  let dims = options.dims ?? embedder.dims;
  try {
    await inBatches(texts, { size, lanes, signal: options.signal }, async ({ start, items }, signal) => {
      const answer = await watched(embedder, { ...options, signal }, (callSignal) =>
        embedder.embedDocuments(items, { signal: callSignal, ...shifted(options.onTruncated, start) }),
      ).catch((error: unknown) => {
        throw atIndex(error, start);
      });
      for (const [i, vector] of checkVectors(embedder.id, answer, items, dims).entries()) {
        vectors[start + i] = vector;
        dims = vector.length;
      }
    });
  } catch (error) {
    throw options.signal?.aborted ? aborted(options.signal) : error;
  }
  return vectors;
}

/** Embeds one question, with the same limits and checks. */
export async function embedQuestion(
  embedder: Embedder,
  text: string,
  options: GuardOptions = {},
): Promise<Float32Array> {
  throwIfAborted(options.signal);
  const vector = await watched(embedder, options, (signal) =>
    embedder.embedQuery(text, { signal, ...shifted(options.onTruncated, 0) }),
  );
  return checkVectors(embedder.id, [vector], [text], options.dims ?? embedder.dims)[0]!;
}

function batchesOf(embedder: Embedder, oneByOne: Slots | undefined): { size: number; lanes: number } {
  if (oneByOne) return { size: 1, lanes: 1 };
  const { batch: size, concurrency } = limitsOf(embedder);
  return { size, lanes: Math.max(1, Math.floor(concurrency / size)) };
}

/** Runs one call, alone if it must be alone. Waiting for its turn does not count as time of the call. */
async function watched<T>(
  embedder: Embedder,
  { timeoutMs, signal, oneByOne }: GuardOptions,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const run = () => guarded(embedder, timeoutMs, signal, call);
  return oneByOne ? await oneByOne.run(run, signal) : await run();
}

/**
 * Runs one call. It settles when the call does, when time is up, or when the signal fires, whichever comes first. The
 * call learns this through its own signal. If it never settles, nothing waits for it.
 */
function guarded<T>(
  embedder: Embedder,
  timeoutMs: number = DEFAULT_TIMEOUT_MS,
  signal: AbortSignal | undefined,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stop = abortController();
    const giveUp = (error: EmbedlessError): void => {
      settle(() => reject(error));
      stop.abort(error);
    };
    const onTime = (): void => giveUp(timedOut(embedder, timeoutMs));
    const timer = timeoutMs <= LONGEST_TIMER_MS ? setTimeout(onTime, timeoutMs) : undefined;
    const leave = onAbort(signal, () => giveUp(aborted(signal)));
    const settle = (how: () => void): void => {
      clearTimeout(timer);
      leave();
      how();
    };
    // This also catches an embedder that throws before it returns a promise.
    (async () => call(stop.signal))().then(
      (answer) => settle(() => resolve(answer)),
      (error: unknown) => settle(() => reject(failed(embedder, error))),
    );
  });
}

function timedOut(embedder: Embedder, timeoutMs: number): EmbedlessError {
  return new EmbedlessError("EMBEDDER_TIMEOUT", `The embedder ${embedder.id} did not answer within ${timeoutMs} ms.`);
}

function failed(embedder: Embedder, cause: unknown): EmbedlessError {
  if (cause instanceof EmbedlessError) return cause;
  const reason = (isError(cause) ? cause.message : String(cause)).replace(/\.$/, "");
  return new EmbedlessError("EMBEDDER_FAILED", `The embedder ${embedder.id} failed: ${reason}.`, { cause });
}

/** The failure of a batch, with the index of the refused text counted over all batches. */
function atIndex(error: unknown, start: number): unknown {
  if (error instanceof EmbedlessError && error.textIndex !== undefined) error.textIndex += start;
  return error;
}

function shifted(report: EmbedOptions["onTruncated"], start: number): Pick<EmbedOptions, "onTruncated"> {
  return report ? { onTruncated: (index, tokens) => report(start + index, tokens) } : {};
}

/** Texts per call of an embedder that does not say how many suit it. */
const DEFAULT_BATCH = 64;
/** Most texts in work at once, whatever an embedder claims to take. */
const MOST_TEXTS = 65_536;

/** How many texts an embedder takes. */
export interface EmbedderLimits {
  /** Texts per call. */
  readonly batch: number;
  /** Texts that should be in work at once. */
  readonly concurrency: number;
}

/**
 * The numbers that an embedder says of itself. They are read only here, because an embedder may be anybody's object.
 *
 * @throws TypeError, RangeError (`INVALID_ARGUMENT`) unless each is a whole number from 1, or left out
 */
export function limitsOf({ batch, concurrency, dims }: Partial<Embedder>): EmbedderLimits {
  const count = (name: string, value: unknown) => wholeNumberWithin(`embedder.${name}`, value, 1, 2 ** 53 - 1);
  if (dims !== undefined) count("dims", dims);
  const texts = batch === undefined ? DEFAULT_BATCH : Math.min(MOST_TEXTS, count("batch", batch));
  const most = concurrency === undefined ? texts : Math.min(MOST_TEXTS, count("concurrency", concurrency));
  return { batch: texts, concurrency: most };
}
