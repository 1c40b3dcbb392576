import { readFileSync } from "node:fs";
import { packagePath } from "../../src/base/packages.js";
import type { Embedder } from "../../src/index.js";
import { directions, tableEmbedder } from "../support/table_embedder.js";

/** Length of the bundled model's vectors. */
export const DIMS = 384;

/** How many nearest passages of a query are known. */
export const QUERY_DEPTH = 10;

/** What is asked: questions with an answer in the store, sentences cut out of its passages, and sentences of other topics. */
export const QUERY_KINDS = ["questions", "sentences", "foreign"] as const;

/** Rows of the fixture, in this order. */
export type FixtureCounts = Readonly<Record<"passages" | (typeof QUERY_KINDS)[number] | "samples", number>>;

/** A question with its true nearest passages. */
export interface Query {
  readonly text: string;
  /** Ids, best first. */
  readonly nearest: readonly string[];
}

/** The fixture as a store sees it. Texts only name a vector: the real ones are not shipped. */
export interface Fixture {
  readonly passages: readonly { readonly id: string; readonly text: string }[];
  readonly queries: readonly Query[];
  /** Sentences of the passages that are not asked: LeanVec learns from them. */
  readonly samples: readonly string[];
  /** Looks vectors up by text. */
  readonly embedder: Embedder;
}

/** The path of one of the fixture's files. */
export function fixtureFile(name: string): string {
  return packagePath("test", "recall", "fixture", name);
}

/** A vector's numbers as one byte each, the largest at 127: its length is lost, and known to be 1. */
export function roundToBytes(vector: Float32Array): Uint8Array {
  const largest = vector.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return new Uint8Array(Int8Array.from(vector, (value) => Math.round((127 * value) / largest)).buffer);
}

/** Reads the fixture. */
export function readFixture(): Fixture {
  const counts = JSON.parse(readFileSync(fixtureFile("counts.json"), "utf8")) as FixtureCounts;
  const rows = readRows();
  const nearest = new Uint16Array(new Uint8Array(readFileSync(fixtureFile("nearest.u16"))).buffer);
  const vectors = new Map<string, Float32Array>();
  const take = (kind: keyof FixtureCounts) =>
    Array.from({ length: counts[kind] }, (_, i) => {
      const text = `${kind} ${i}`;
      vectors.set(text, rows[vectors.size]!);
      return text;
    });
  const passages = take("passages").map((text, i) => ({ id: `p${i}`, text }));
  const queries = QUERY_KINDS.flatMap(take).map((text, i) => {
    const places = nearest.subarray(i * QUERY_DEPTH, (i + 1) * QUERY_DEPTH);
    return { text, nearest: Array.from(places, (place) => passages[place]!.id) };
  });
  const samples = take("samples");
  const embedder = tableEmbedder(DIMS, (text) => vectors.get(text) ?? directions(DIMS)(text));
  return { passages, queries, samples, embedder: { ...embedder, batchInvariant: true } };
}

/** All vectors, of length 1. */
export function readRows(): Float32Array[] {
  const bytes = readFileSync(fixtureFile("vectors.i8"));
  const values = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: values.length / DIMS }, (_, row) => {
    const part = values.subarray(row * DIMS, (row + 1) * DIMS);
    const length = Math.sqrt(part.reduce((sum, value) => sum + value * value, 0));
    return Float32Array.from(part, (value) => value / length);
  });
}

/** Places of the vectors with the largest inner products, best first, by comparing all. */
export function nearestOf(query: Float32Array, vectors: readonly Float32Array[]): number[] {
  const best: { place: number; score: number }[] = [];
  for (const [place, vector] of vectors.entries()) {
    let score = 0;
    for (let i = 0; i < DIMS; i++) score += query[i]! * vector[i]!;
    const after = best.findIndex((other) => other.score < score);
    best.splice(after < 0 ? best.length : after, 0, { place, score });
    best.length = Math.min(best.length, QUERY_DEPTH);
  }
  return best.map(({ place }) => place);
}
