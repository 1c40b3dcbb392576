import type { Metadata } from "../api/passage.js";
import { EmbedlessError, show, wrongType } from "../base/errors.js";
import type { Connection } from "../storage/connection.js";
import { damagedRow, requireOrder } from "../storage/integrity.js";

/** Longest metadata of a passage, as UTF-8 bytes of JSON. */
export const MAX_METADATA_BYTES = 1024 * 1024;
/** Deepest nesting of metadata; the object itself is level 1. */
export const MAX_METADATA_DEPTH = 32;

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/**
 * Metadata as the JSON that is stored, `null` for none (`undefined` or `{}`). Every property is read once, so a getter
 * cannot give two answers. Keys such as `__proto__` are plain data. Properties with the value `undefined` are dropped.
 *
 * @param parameter The metadata's name in an error, such as `items[3].metadata`.
 * @throws TypeError (`INVALID_ARGUMENT`) naming the path of what JSON cannot hold
 * @throws EmbedlessError `LIMIT` above 1 MB or 32 levels
 */
export function metadataToJson(metadata: unknown, parameter = "metadata"): string | null {
  if (metadata === undefined) return null;
  if (!isPlainObject(metadata)) throw wrongType(parameter, "a plain object", metadata);
  const copy = plainCopy(metadata, { parameter, path: [], parents: [] });
  const json = JSON.stringify(copy);
  const bytes = Buffer.byteLength(json);
  if (bytes > MAX_METADATA_BYTES) {
    throw new EmbedlessError(
      "LIMIT",
      `Expected at most ${MAX_METADATA_BYTES} bytes of JSON for ${parameter}, but received ${bytes}.`,
    );
  }
  return json === "{}" ? null : json;
}

/** The object of stored JSON. A key `__proto__` becomes an own property and changes no prototype. */
export function metadataFromJson(json: string | null): Metadata {
  if (json === null) return {};
  const value: unknown = JSON.parse(json);
  if (!isPlainObject(value)) throw new SyntaxError("metadata is not a JSON object");
  return value;
}

interface Place {
  parameter: string;
  path: (string | number)[];
  parents: object[];
}

function plainCopy(value: unknown, place: Place): Json | undefined {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") {
    if (Number.isFinite(value)) return value;
    throw wrongType(nameOf(place), "a finite number", value);
  }
  if (Array.isArray(value)) return within(value, place, () => copyArray(value, place));
  if (isPlainObject(value)) return within(value, place, () => copyObject(value, place));
  if (value === undefined) return undefined;
  throw wrongType(nameOf(place), "a JSON value", value);
}

function copyArray(value: unknown[], place: Place): Json[] {
  return Array.from(value, (item, i) => {
    place.path.push(i);
    const copy = plainCopy(item, place);
    if (copy === undefined) throw wrongType(nameOf(place), "a JSON value", item);
    place.path.pop();
    return copy;
  });
}

function copyObject(value: Metadata, place: Place): { [key: string]: Json } {
  // An object without a prototype has no `__proto__` setter, so this key is stored like any other.
  const copy: { [key: string]: Json } = Object.create(null);
  for (const key of Object.keys(value)) {
    place.path.push(key);
    const item = plainCopy(value[key], place);
    if (item !== undefined) copy[key] = item;
    place.path.pop();
  }
  return copy;
}

function within<T>(value: object, place: Place, copy: () => T): T {
  if (place.parents.includes(value)) throw wrongType(nameOf(place), "a value that does not contain itself", value);
  if (place.parents.length >= MAX_METADATA_DEPTH) {
    throw new EmbedlessError(
      "LIMIT",
      `Expected at most ${MAX_METADATA_DEPTH} levels of nesting, but ${nameOf(place)} is deeper.`,
    );
  }
  place.parents.push(value);
  const result = copy();
  place.parents.pop();
  return result;
}

function nameOf({ parameter, path }: Place): string {
  const steps = path.map((step) => {
    if (typeof step === "number") return `[${step}]`;
    return /^[A-Za-z_$][\w$]*$/.test(step) ? `.${step}` : `[${show(step)}]`;
  });
  return parameter + steps.join("");
}

/** Whether a value is an object literal of any realm: it has no prototype, or one that has none. */
export function isPlainObject(value: unknown): value is Metadata {
  if (typeof value !== "object" || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/**
 * Most passages read in one step, and most bytes of their metadata unless one alone has more. This takes about a
 * millisecond.
 */
const MOST_ROWS = 1_024;
const MOST_BYTES = 256 * 1024;

/** The metadata of passages without their texts. Node `nodes[i]` has the metadata `all[i]`. */
export interface MetadataSlice {
  readonly nodes: readonly number[];
  readonly all: readonly Metadata[];
}

/** Which passages to read: those of nodes in a list, or the next `count` from node `from` on. */
type Window = { readonly nodes: readonly number[] } | { readonly from: number; readonly count: number };

/**
 * Reads the metadata of passages in slices of about a millisecond each, however long the metadata are. An object serves
 * one pass over the store, on one snapshot.
 */
export class MetadataReader {
  readonly #c: Connection;
  #rows = MOST_ROWS;

  constructor(c: Connection) {
    this.#c = c;
  }

  /** Number of passages to read next. */
  get rows(): number {
    return this.#rows;
  }

  /**
   * The metadata of the first nodes, which must be in order. `nodes` of the answer ends where the slice ends. Nodes
   * without a passage are left out.
   *
   * @returns the slice, and how many of the given nodes it covers
   * @throws EmbedlessError `CORRUPT` for metadata that no passage has
   */
  of(nodes: readonly number[]): MetadataSlice & { readonly read: number } {
    for (;;) {
      const asked = nodes.slice(0, this.#rows);
      const slice = this.#read({ nodes: asked });
      if (slice) return { ...slice, read: asked.length };
    }
  }

  /** The next passages from a node on; none at the end. Throws `CORRUPT` like `of`. */
  from(node: number): MetadataSlice {
    for (;;) {
      const slice = this.#read({ from: node, count: this.#rows });
      if (slice === undefined) continue;
      requireOrder("passages", slice.nodes, node);
      return slice;
    }
  }

  /** `undefined` if these are too many for one step. The next try reads half as many. */
  #read(window: Window): MetadataSlice | undefined {
    const { source, params } = sourceOf(window);
    const sizes = `SELECT total(octet_length(metadata)) AS bytes, max(octet_length(metadata)) AS longest FROM ${source}`;
    const { bytes, longest } = this.#c.get<{ bytes: number; longest: number | null }>(sizes, ...params)!;
    if (bytes > MOST_BYTES && this.#rows > 1) {
      this.#rows >>= 1;
      return undefined;
    }
    if ((longest ?? 0) > MAX_METADATA_BYTES) throw this.#tooLong(source, params);
    if (bytes < MOST_BYTES / 2) this.#rows = Math.min(MOST_ROWS, this.#rows * 2);
    // Two strings for all rows, because passing one value per row would take several times as long.
    const sql = `SELECT group_concat(node) AS nodes, group_concat(coalesce(metadata, '{}')) AS metadata FROM ${source}`;
    const row = this.#c.get<{ nodes: string | null; metadata: string | null }>(sql, ...params)!;
    const nodes = JSON.parse(`[${row.nodes ?? ""}]`) as number[];
    const all = parsedList(row.metadata ?? "");
    return all?.length === nodes.length && all.every(isPlainObject) ? { nodes, all } : this.#oneByOne(source, params);
  }

  /** Finds the row whose metadata are damaged. */
  #oneByOne(source: string, params: readonly (string | number)[]): MetadataSlice {
    const rows = this.#c.all<{ node: number; metadata: string | null }>(
      `SELECT node, metadata FROM ${source}`,
      ...params,
    );
    return { nodes: rows.map(({ node }) => node), all: rows.map(({ node, metadata }) => parsed(node, metadata)) };
  }

  #tooLong(source: string, params: readonly (string | number)[]): Error {
    const sql = `SELECT node FROM ${source} WHERE octet_length(metadata) > ${MAX_METADATA_BYTES} LIMIT 1`;
    const { node } = this.#c.get<{ node: number }>(sql, ...params)!;
    return damagedRow("passages", node, `has metadata of more than ${MAX_METADATA_BYTES} bytes`);
  }
}

function sourceOf(window: Window): { source: string; params: (string | number)[] } {
  if ("nodes" in window) {
    const source = "(SELECT node, metadata FROM json_each(?) AS listed CROSS JOIN passages ON node = listed.value)";
    return { source, params: [JSON.stringify(window.nodes)] };
  }
  const source = "(SELECT node, metadata FROM passages NOT INDEXED WHERE node >= ? ORDER BY node LIMIT ?)";
  return { source, params: [window.from, window.count] };
}

function parsedList(json: string): unknown[] | undefined {
  try {
    return JSON.parse(`[${json}]`) as unknown[];
  } catch {
    return undefined;
  }
}

function parsed(node: number, json: string | null): Metadata {
  try {
    return metadataFromJson(json);
  } catch {
    throw damagedRow("passages", node, "has metadata that are not a JSON object");
  }
}
