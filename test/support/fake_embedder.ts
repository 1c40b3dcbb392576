import { setTimeout as sleep } from "node:timers/promises";
import type { Embedder, EmbedderSource, EmbedOptions, ShippedCodebook } from "../../src/api/embedder.js";

/** How the fake behaves. "At n" means at the n-th call, counted from 1 over passages and questions together. */
export interface FakeEmbedderOptions {
  /** Length of every vector. Default 64. */
  dims?: number;
  /** Default `fake-<dims>`. */
  id?: string;
  /** Texts per call that it asks for; left out, the interface's default holds. */
  batch?: number;
  concurrency?: number;
  /** Longest text in words. Default: not told. */
  maxTokens?: number;
  source?: EmbedderSource;
  codebook?: ShippedCodebook;
  /** `false`: `dims` is `undefined` until the first answer. Default `true`. */
  tellsDims?: boolean;
  /** Milliseconds that each call takes. Default 0: the answer comes in the next microtask. */
  delayMs?: number;
  /** Throws at this call. */
  failAt?: number;
  /** Never settles at this call and ignores its signal. */
  hangAt?: number;
  /** From this call on it answers nothing, but ends with its signal. */
  waitFrom?: number;
  /** Answers one vector too few at this call. */
  tooFewAt?: number;
  /** Answers vectors one element too long at this call. */
  wrongDimsAt?: number;
  /** Puts a NaN in the first vector of this call. */
  nanAt?: number;
  /** From this call on the vectors are those of another model. */
  mutateAt?: number;
  /** Length of the vector of a text, for inner product and l2. Default 1. */
  norm?: (text: string) => number;
  /** Share of each vector that is noise of its own text. Default 0.2. */
  noise?: number;
  /** Weight of what the other texts of a call add to each vector, as an int8 model has it. Default 0. */
  batchNoise?: number;
  /** Another seed is another model. Default 1. */
  seed?: number;
}

/** What the fake was asked so far. All are counts and may be set back to 0. */
export interface FakeCounts {
  /** Passages embedded. */
  documents: number;
  /** Questions embedded. */
  queries: number;
  /** Calls of either method. */
  calls: number;
  /** Most texts under way at once. */
  peak: number;
  /** Most texts of one call. */
  largestCall: number;
  /** Calls that wait for their signal; see `waitFrom`. */
  waiting: number;
  /** Every passage embedded, in order. */
  readonly texts: string[];
}

/**
 * A deterministic, cheap embedder for tests: the sum of one random direction a word, plus noise of the whole text. Texts
 * that share words score higher, equal texts get equal vectors, question and passage are embedded alike.
 */
export function fakeEmbedder(options: FakeEmbedderOptions = {}): Embedder & FakeCounts {
  const dims = options.dims ?? 64;
  const directions = new Map<string, Float64Array>();
  let underWay = 0;
  let told = options.tellsDims ?? true;

  const vector = (text: string, seed: number): Float32Array => {
    const sum = new Float64Array(dims);
    for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
      const key = `${seed}:${word}`;
      const direction = directions.get(key) ?? randomDirection(key, dims);
      directions.set(key, direction);
      for (let i = 0; i < dims; i++) sum[i]! += direction[i]!;
    }
    const share = options.noise ?? 0.2;
    const own = randomDirection(`${seed}#${text}`, dims);
    const length = Math.hypot(...sum) || 1;
    for (let i = 0; i < dims; i++) sum[i] = ((1 - share) * sum[i]!) / length + share * own[i]!;
    const scale = (options.norm?.(text) ?? 1) / (Math.hypot(...sum) || 1);
    return Float32Array.from(sum, (x) => x * scale);
  };

  const call = async (texts: string[], { signal }: EmbedOptions): Promise<Float32Array[]> => {
    const n = ++fake.calls;
    underWay += texts.length;
    fake.peak = Math.max(fake.peak, underWay);
    try {
      if (n === options.hangAt) await new Promise<never>(() => {});
      if (options.waitFrom !== undefined && n >= options.waitFrom) await untilAborted(fake, signal);
      if (options.delayMs) await sleep(options.delayMs, undefined, signal ? { signal } : {});
      if (n === options.failAt) throw new Error(`the fake embedder fails at call ${n}`);
    } finally {
      underWay -= texts.length;
    }
    told = true;
    const mutated = options.mutateAt !== undefined && n >= options.mutateAt;
    fake.largestCall = Math.max(fake.largestCall, texts.length);
    const vectors = texts.map((text) => vector(text, (options.seed ?? 1) + (mutated ? 1000 : 0)));
    if (options.batchNoise && texts.length > 1) {
      for (const [i, each] of vectors.entries()) {
        const others = randomDirection(texts.filter((_, j) => j !== i).join(), dims);
        for (let at = 0; at < dims; at++) each[at]! += options.batchNoise * others[at]!;
      }
    }
    return spoil(vectors, n, options);
  };

  const fake: Embedder & FakeCounts = {
    id: options.id ?? `fake-${dims}`,
    get dims() {
      return told ? dims : undefined;
    },
    ...(!options.batchNoise && { batchInvariant: true }),
    ...pick(options, ["batch", "concurrency", "maxTokens", "source", "codebook"]),
    documents: 0,
    queries: 0,
    calls: 0,
    peak: 0,
    largestCall: 0,
    waiting: 0,
    texts: [],
    embedDocuments: (texts, callOptions = {}) => {
      fake.documents += texts.length;
      fake.texts.push(...texts);
      return call(texts, callOptions);
    },
    embedQuery: async (text, callOptions = {}) => {
      fake.queries++;
      return (await call([text], callOptions))[0]!;
    },
    countTokens: (text) => text.match(/[\p{L}\p{N}]+/gu)?.length ?? 0,
    close: async () => {},
  };
  return fake;
}

async function untilAborted(fake: FakeCounts, signal: AbortSignal | undefined): Promise<never> {
  fake.waiting++;
  return await new Promise<never>((_, reject) => {
    signal?.addEventListener("abort", () => {
      fake.waiting--;
      reject(new Error("the fake embedder was told to stop"));
    });
  });
}

function spoil(vectors: Float32Array[], call: number, options: FakeEmbedderOptions): Float32Array[] {
  if (call === options.tooFewAt) return vectors.slice(1);
  if (call === options.wrongDimsAt) return vectors.map((v) => new Float32Array([...v, 0]));
  if (call === options.nanAt) vectors[0]![0] = Number.NaN;
  return vectors;
}

function pick<K extends keyof FakeEmbedderOptions>(options: FakeEmbedderOptions, names: K[]) {
  return Object.fromEntries(names.filter((n) => options[n] !== undefined).map((n) => [n, options[n]]));
}

/** A unit vector that depends on nothing but the key: FNV-1a seeds a 32-bit generator (mulberry32), sums of four draws. */
function randomDirection(key: string, dims: number): Float64Array {
  let state = 2166136261;
  for (let i = 0; i < key.length; i++) state = Math.imul(state ^ key.charCodeAt(i), 16777619);
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const out = Float64Array.from({ length: dims }, () => next() + next() + next() + next() - 2);
  const length = Math.hypot(...out) || 1;
  return out.map((x) => x / length);
}

/** An embedder that gives a text another vector each time. */
export function changingEmbedder(): Embedder {
  let seed = 0;
  return {
    id: "random",
    dims: 64,
    embedDocuments: (texts) => fakeEmbedder({ seed: ++seed }).embedDocuments(texts),
    embedQuery: (text) => fakeEmbedder({ seed: ++seed }).embedQuery(text),
  };
}
