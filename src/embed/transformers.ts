import { homedir } from "node:os";
import path from "node:path";
import type { AssumedSettings, Embedder, ModelSettings } from "../api/embedder.js";
import { checkKeys } from "../base/checks.js";
import { outOfRange } from "../base/errors.js";
import { knownModel } from "./known_models.js";
import { LocalEmbedder } from "./local_embedder.js";
import { unsupported } from "./model_folder.js";
import { nonEmptyString, resolveSettings, SETTING_KEYS, settingsDigest } from "./settings.js";

/** The hub that `@huggingface/transformers` uses if no other is named. */
export const DEFAULT_HUB = "https://huggingface.co/";

/** Options of `transformersEmbedder`. */
export interface TransformersOptions extends ModelSettings {
  /**
   * Name on the hub, such as `"Xenova/bge-small-en-v1.5"`. It is downloaded at first use and then kept in `cacheDir`.
   */
  model: string;
  /**
   * Form of the weights: `"fp32"`, `"fp16"`, `"q8"`, `"q4"` and so on, as far as the model offers them. Default `"q8"`.
   */
  dtype?: string;
  /** Branch, tag or commit. Default `"main"`, which may change under an existing store; a commit cannot change. */
  revision?: string;
  /** Address of the hub. Default: the hub of `@huggingface/transformers`. */
  host?: string;
  /** Folder for downloaded models. Default: `embedless` in the user's cache folder. */
  cacheDir?: string;
  /** Most child processes. Each holds the model in memory. Default: one per processor. */
  workers?: number;
}

/**
 * Creates an embedder for a model of a hub, named by its name there. `@huggingface/transformers` runs it on this
 * machine and must be installed. Pooling, normalisation and prefixes come from the options. What they leave open comes
 * from the model's files for sentence-transformers, then from a table of well-known models, by its name or the name in
 * its `config.json`. For a model that is in neither, tokens are averaged and scaled to length 1 without a prefix, and a
 * warning says so.
 *
 * Nothing is downloaded before the first text is embedded. If the first use takes longer than the store's time limit,
 * it fails with `EMBEDDER_TIMEOUT`, but the download continues as long as this process runs.
 */
export function transformersEmbedder(options: TransformersOptions): Embedder {
  const keys = { model: 1, dtype: 1, revision: 1, host: 1, cacheDir: 1, workers: 1, ...SETTING_KEYS } as const;
  checkKeys("transformersEmbedder", options, keys);
  const known = knownModel(options.model);
  if (known?.refusal !== undefined) throw unsupported(options.model, known.refusal);
  return transformersEmbedderAs(options, known?.assumed ?? "config");
}

/** The same embedder with the settings that the table gave when a store was created, or with none. */
export function transformersEmbedderAs(
  options: TransformersOptions,
  assumed: AssumedSettings | "config" = {},
): Embedder {
  const model = nonEmptyString("model", options.model);
  if (!/^[\w.-]+(\/[\w.-]+)?$/.test(model) || model.includes(".."))
    throw outOfRange("model", 'the name of a model on a hub, such as "Xenova/bge-small-en-v1.5",', model);
  const dtype = nonEmptyString("dtype", options.dtype ?? "q8");
  const revision = nonEmptyString("revision", options.revision ?? "main");
  const host = options.host === undefined ? undefined : hubAddress(options.host);
  const cacheDir = path.resolve(nonEmptyString("cacheDir", options.cacheDir ?? defaultCacheDir()));
  const settings = resolveSettings(options);
  const table = assumed !== "config" && Object.keys(assumed).length > 0 ? [assumed] : [];
  const isPlain = Object.keys(settings).length === 0 && table.length === 0;
  const chosen = isPlain ? "" : `:${settingsDigest(settings, ...table)}`;
  return new LocalEmbedder({
    id: `transformers:${model}@${revision}:${dtype}${chosen}`,
    dims: undefined,
    maxTokens: settings.maxTokens,
    source: {
      kind: "transformers",
      model,
      dtype,
      revision,
      ...(host && { host }),
      ...settings,
      ...((assumed === "config" || table.length > 0) && { assumed }),
    },
    workers: options.workers,
    spec: async () => ({ kind: "transformers", model, dtype, revision, host, cacheDir, settings, assumed }),
    tokenizer: undefined,
  });
}

/** The user's cache folder, as each system defines it. */
function defaultCacheDir(): string {
  const home = homedir();
  if (process.platform === "darwin") return path.join(home, "Library", "Caches", "embedless");
  if (process.platform === "win32")
    return path.join(process.env["LOCALAPPDATA"] ?? path.join(home, "AppData", "Local"), "embedless", "cache");
  return path.join(process.env["XDG_CACHE_HOME"] || path.join(home, ".cache"), "embedless");
}

function hubAddress(value: unknown): string {
  const host = nonEmptyString("host", value);
  if (!URL.canParse(host) || !/^https?:/i.test(host)) throw outOfRange("host", "an http or https address", value);
  return host.endsWith("/") ? host : `${host}/`;
}
