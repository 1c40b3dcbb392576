import { boolean, oneOf, wholeNumberWithin } from "../checks.js";
import { wrongType } from "../errors.js";
import { sha256 } from "./checksum.js";
import type { ModelSettings } from "./embedder.js";

/** The options that make up `ModelSettings`, for `checkKeys`. */
export const SETTING_KEYS = { pooling: 1, normalize: 1, queryPrefix: 1, passagePrefix: 1, maxTokens: 1 } as const;

/** The settings among a factory's options, checked; those that are not given are left out. */
export function resolveSettings(options: ModelSettings): ModelSettings {
  const { pooling, normalize, queryPrefix, passagePrefix, maxTokens } = options;
  return {
    ...(pooling !== undefined && { pooling: oneOf("pooling", pooling, ["mean", "cls", "last"]) }),
    ...(normalize !== undefined && { normalize: boolean("normalize", normalize, true) }),
    ...(queryPrefix !== undefined && { queryPrefix: string("queryPrefix", queryPrefix) }),
    ...(passagePrefix !== undefined && { passagePrefix: string("passagePrefix", passagePrefix) }),
    ...(maxTokens !== undefined && { maxTokens: wholeNumberWithin("maxTokens", maxTokens, 1, 1e6) }),
  };
}

/** Twelve hex digits that differ when settings differ, for an embedder's id. Keys count in their given order. */
export function settingsDigest(...settings: unknown[]): string {
  return sha256(JSON.stringify(settings)).slice(0, 12);
}

/** `value` if it is a string. */
export function string(name: string, value: unknown): string {
  if (typeof value !== "string") throw wrongType(name, "a string", value);
  return value;
}

/** `value` if it is a string with something in it. */
export function nonEmptyString(name: string, value: unknown): string {
  if (typeof value !== "string" || value.trim() === "") throw wrongType(name, "a string that is not empty", value);
  return value;
}
