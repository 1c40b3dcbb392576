/** Values that no caller should pass, and valid ones made treacherous. All follow from a seed. */

import { choose, seeded } from "../seeded.js";

/** Thrown by getters, proxies and functions of these values: it must come back as it is. */
export class Planned extends Error {}

export type Random = () => number;

export { choose, seeded };

export const below = (random: Random, n: number): number => Math.floor(random() * n);
export const pick = <T>(random: Random, items: readonly T[]): T => items[below(random, items.length)]!;

const NUMBERS = [
  ...[0, -0, 1, 2, 3, 7, 8, 63, 64, 65, 127, 128, 255, 256, 4095, 4096, 4097, 8192, 65_535, 65_536, 65_537],
  ...[2 ** 20, 2 ** 20 + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 63, 2 ** 64],
  ...[1e308, -1e308, 5e-324, -1, -(2 ** 31), 0.5, 1.5, 0.95, 16, 17, Number.NaN],
  ...[Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
];

const STRINGS = [
  ...["", "x", "cosine", "ip", "l2", "float32", "lvq8", "none", "scan", "walk", "guided", "exact", "two-level"],
  ...["vamana", "hnsw", "flat", "packed", "approx", "__proto__", "constructor", "\0", "\ud800", "avx2", "scalar"],
  "x".repeat(5000),
];

type AnyTypedArray = Float32Array | Float64Array | Uint8Array | Uint32Array | BigInt64Array | Int8Array;

const ARRAYS = [
  ...[Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array],
  ...[Float32Array, Float64Array, BigInt64Array, BigUint64Array],
] as unknown as (new (
  buffer: ArrayBufferLike,
  offset?: number,
  length?: number,
) => AnyTypedArray)[];

/** Takes the memory of an array away. */
export function detach(view: ArrayBufferView): void {
  const { buffer } = view;
  if (!(buffer instanceof ArrayBuffer)) return;
  try {
    structuredClone(buffer, { transfer: [buffer] });
  } catch {
    // Detached before, or memory that cannot be moved.
  }
}

/** A typed array of any kind: of random bytes, shared, detached, misplaced, empty, resizable. */
export function anyArray(random: Random): AnyTypedArray {
  const Kind = pick(random, ARRAYS);
  const bytes = pick(random, [0, 8, 16, 64, 200, 4096]);
  const shape = below(random, 6);
  if (shape === 0) return new Kind(new SharedArrayBuffer(bytes));
  if (shape === 1) {
    const Resizable = ArrayBuffer as unknown as new (bytes: number, options: { maxByteLength: number }) => ArrayBuffer;
    const buffer = new Resizable(bytes, { maxByteLength: 8192 });
    const tracking = new Kind(buffer);
    (buffer as unknown as { resize(to: number): void }).resize(below(random, 2) * 64);
    return tracking;
  }
  const buffer = new ArrayBuffer(bytes + 8);
  const filled = new Uint8Array(buffer);
  for (let i = 0; i < filled.length; i++) filled[i] = below(random, 256);
  const made = new Kind(buffer, shape === 2 ? 8 : 0, shape === 3 ? 0 : undefined);
  if (shape === 4) detach(made);
  return made;
}

function throwing(): never {
  throw new Planned("planned");
}

/** An object all of whose properties throw, or a proxy whose traps do. */
function trap(random: Random, target: object): unknown {
  const traps: ProxyHandler<object> = {};
  for (const name of choose(
    ["get", "has", "ownKeys", "getPrototypeOf", "getOwnPropertyDescriptor"] as const,
    2,
    random,
  )) {
    traps[name] = throwing;
  }
  return new Proxy(target, below(random, 3) === 0 ? {} : traps);
}

/** Anything at all. `objects`: objects of the addon to mix in. */
export function junk(random: Random, objects: readonly object[]): unknown {
  switch (below(random, 16)) {
    case 0:
      return undefined;
    case 1:
      return null;
    case 2:
      return below(random, 2) === 0;
    case 3:
    case 4:
    case 5:
      return pick(random, NUMBERS);
    case 6:
      return pick(random, [0n, -1n, 2n ** 64n, 2n ** 2000n]);
    case 7:
      return pick(random, STRINGS);
    case 8:
      return pick(random, [Symbol("x"), Symbol.iterator, throwing, () => 1, class {}, async () => 1]);
    case 9:
    case 10:
      return anyArray(random);
    case 11:
      return anyList(random, objects);
    case 12:
      return trap(random, pick(random, [{}, [], new Float32Array(12), () => 1]));
    case 13:
      return pick(random, [
        new ArrayBuffer(16),
        new SharedArrayBuffer(16),
        new DataView(new ArrayBuffer(8)),
        new Date(),
      ]);
    case 14:
      return anyObject(random);
    default:
      return pick(random, objects);
  }
}

function anyList(random: Random, objects: readonly object[]): unknown {
  switch (below(random, 5)) {
    case 0:
      return new Array(2 ** 32 - 1);
    case 1:
      return new Array(5);
    case 2:
      return Object.assign(new Array<unknown>(3), { 0: 1, 2: 3 });
    case 3:
      return [[[anyArray(random)]], pick(random, objects)];
    default:
      return Array.from({ length: below(random, 20) }, () => new Uint8Array(below(random, 40)));
  }
}

function anyObject(random: Random): unknown {
  const key = pick(random, ["k", "dims", "rows", "header", "blocks", "kind", "graph", "stop", "length", "code"]);
  switch (below(random, 5)) {
    case 0:
      return {};
    case 1:
      return Object.create(null) as object;
    case 2:
      return Object.defineProperty({}, key, { get: throwing, enumerable: true });
    case 3:
      return { valueOf: throwing, toString: throwing, [Symbol.toPrimitive]: throwing };
    default:
      return { [key]: pick(random, NUMBERS) };
  }
}

/** Flips bytes of a copy of an array. */
function damaged(random: Random, array: Uint8Array | Float32Array | Uint32Array): unknown {
  const copy = array.slice();
  const bytes = new Uint8Array(copy.buffer, copy.byteOffset, copy.byteLength);
  for (let n = 1 + below(random, 4); n > 0 && bytes.length > 0; n--)
    bytes[below(random, bytes.length)] = below(random, 256);
  const end = below(random, 4) === 0 ? below(random, copy.length + 1) : copy.length;
  return copy.subarray(0, end);
}

/** The same content as a subarray at an odd place, or in memory that is shared. */
function moved(random: Random, array: Float32Array | Uint8Array | Uint32Array): unknown {
  const Kind = array.constructor as new (buffer: ArrayBufferLike, offset: number, length: number) => Uint8Array;
  const space = (array.length + 2) * array.BYTES_PER_ELEMENT;
  const buffer = below(random, 2) === 0 ? new ArrayBuffer(space) : new SharedArrayBuffer(space);
  const to = new Kind(buffer, array.BYTES_PER_ELEMENT, array.length);
  to.set(array as Uint8Array);
  return to;
}

/** Valid arguments with something wrong in one place, however deep. */
export function spoil(random: Random, args: unknown[], objects: readonly object[]): unknown[] {
  const all = [...args];
  if (below(random, 12) === 0) return Array.from({ length: below(random, 5) }, () => junk(random, objects));
  if (all.length === 0 || below(random, 16) === 0) return [...all, junk(random, objects)];
  if (below(random, 16) === 0) return all.slice(0, -1);
  const i = below(random, all.length);
  all[i] = spoilValue(random, all[i], all, objects);
  return all;
}

function spoilValue(random: Random, value: unknown, all: unknown[], objects: readonly object[]): unknown {
  const dice = below(random, 10);
  if (ArrayBuffer.isView(value) && dice < 6) {
    const array = value as Uint8Array;
    return dice < 3 ? damaged(random, array) : moved(random, array);
  }
  const isPlain = typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  const parts = Array.isArray(value) ? [...value] : isPlain ? { ...(value as object) } : undefined;
  const keys = Object.keys(parts ?? {});
  if (parts === undefined || keys.length === 0 || dice === 9) return junk(random, objects);
  const key = pick(random, keys);
  const record = parts as Record<string, unknown>;
  const inner = record[key];
  if (dice === 8) {
    // What is read later in the same call goes away while this is read.
    const views = [...all, ...Object.values(record)].filter((each) => ArrayBuffer.isView(each));
    const get = () => {
      for (const view of views) detach(view);
      return inner;
    };
    return Object.defineProperty(parts, key, { get, enumerable: true, configurable: true });
  }
  if (dice === 7) return Object.defineProperty(parts, key, { get: throwing, enumerable: true, configurable: true });
  record[key] = spoilValue(random, inner, all, objects);
  return parts;
}
