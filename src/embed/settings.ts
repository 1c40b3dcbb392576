import type { AssumedSettings, ModelSettings } from "../api/embedder.js";
import { boolean, checkKeys, oneOf, wholeNumberWithin } from "../base/checks.js";
import { wrongType } from "../base/errors.js";
import { sha256 } from "./model_folder.js";

/** The options that make up `ModelSettings`, for `checkKeys`. */
export const SETTING_KEYS = { pooling: 1, normalize: 1, queryPrefix: 1, passagePrefix: 1, maxTokens: 1 } as const;

/** Checks the settings among a factory's options. Settings that are not given are left out. */
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

/** Checks the settings that a store file took from the table of well-known models. Keys keep their order. */
export function resolveAssumed(assumed: unknown): AssumedSettings {
  checkKeys("assumed", assumed, { ...SETTING_KEYS, dims: 1, window: 1, output: 1, endToken: 1 });
  const { dims, window, output, endToken, ...settings } = assumed as AssumedSettings;
  resolveSettings(settings);
  if (dims !== undefined) wholeNumberWithin("dims", dims, 1, 65_536);
  if (window !== undefined) wholeNumberWithin("window", window, 3, 1e6);
  if (output !== undefined) oneOf("output", output, ["sentence_embedding"]);
  if (endToken !== undefined) nonEmptyString("endToken", endToken);
  return assumed as AssumedSettings;
}

/** Twelve hex digits for an embedder's id that differ if the settings differ. The order of keys matters. */
export function settingsDigest(...settings: unknown[]): string {
  return sha256(JSON.stringify(settings)).slice(0, 12);
}

/** Checks that `value` is a string. */
export function string(name: string, value: unknown): string {
  if (typeof value !== "string") throw wrongType(name, "a string", value);
  return value;
}

/** Checks that `value` is a string that is not empty. */
export function nonEmptyString(name: string, value: unknown): string {
  if (typeof value !== "string" || value.trim() === "") throw wrongType(name, "a string that is not empty", value);
  return value;
}
