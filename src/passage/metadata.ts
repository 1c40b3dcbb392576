import { EmbedlessError, show, wrongType } from "../errors.js";
import type { Metadata } from "../types.js";

/** Longest metadata of a passage, as UTF-8 bytes of JSON. */
export const MAX_METADATA_BYTES = 1024 * 1024;
/** Deepest nesting of metadata; the object itself is level 1. */
export const MAX_METADATA_DEPTH = 32;

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/**
 * Metadata as the JSON that is stored, `null` for none (`undefined` or `{}`). Every property is read once, so a getter
 * cannot answer twice differently; keys such as `__proto__` are data like any other; `undefined` properties are dropped.
 *
 * @param parameter what to call it in an error, `items[3].metadata`
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

/** The object that stored JSON stands for. `__proto__` in it becomes an own property and changes no prototype. */
export function metadataFromJson(json: string | null): Metadata {
  if (json === null) return {};
  const value: unknown = JSON.parse(json);
  if (!isPlainObject(value)) throw new SyntaxError("metadata is no JSON object");
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
  // Without a prototype there is no `__proto__` setter: the key is stored like any other.
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

/** An object literal of any realm: its prototype is nothing, or something without a prototype of its own. */
export function isPlainObject(value: unknown): value is Metadata {
  if (typeof value !== "object" || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
