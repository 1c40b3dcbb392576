import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { Embedder, EmbedderSource } from "../api/embedder.js";
import { type OpenOptions, resolveOpenOptions } from "../api/open.js";
import { Slots } from "../base/concurrency.js";
import { EmbedlessError } from "../base/errors.js";
import { checkCanaries } from "../embed/fingerprint.js";
import {
  embedderFromSource,
  type HttpOptions,
  httpEmbedder,
  minilm,
  onnxEmbedder,
  transformersEmbedder,
} from "../index.js";
import { Database } from "../storage/database.js";
import { type Meta, readMeta, readSoundMeta, writeMeta } from "../storage/meta.js";
import { getCanaries } from "../storage/model_rows.js";
import { UsageError } from "./failures.js";

/** Options of the command line. */
export interface ModelOptions {
  /**
   * `minilm`, a folder with an ONNX model, or a name on the Hugging Face hub. With `url`, the server's name for the
   * model.
   */
  model?: string;
  url?: string;
  /** Most texts per request to the server. */
  batch?: number;
  /** Cut texts that the server refuses as too long. */
  truncate?: boolean;
  /** Contact the address that only the store's file names. */
  trustAddress?: boolean;
}

/** The options of `VectorStore.open` that concern the embedder. */
export type EmbeddingOptions = Pick<OpenOptions, "embedder" | "trustStoredAddress">;

/**
 * Runs `work` with the embedder that the options name, and closes the embedder afterwards. If they name none, the store
 * finds its own.
 *
 * @param store The store's file, if there is one. Its settings of the model are used unless the options say otherwise.
 */
export async function withModel<T>(
  options: ModelOptions,
  store: string | undefined,
  work: (opening: EmbeddingOptions) => Promise<T>,
): Promise<T> {
  const embedder = await embedderFor(options, store);
  try {
    return await work({ ...(embedder && { embedder }), trustStoredAddress: options.trustAddress ?? false });
  } finally {
    await embedder?.close?.();
  }
}

async function embedderFor(options: ModelOptions, store: string | undefined): Promise<Embedder | undefined> {
  const { model, url } = options;
  if (url === undefined) requireNone(options);
  if (model === undefined && url === undefined) return undefined;
  const stored = store === undefined ? undefined : await storedSource(store);
  if (url !== undefined) return serverFor(url, options, stored);
  if (model === "minilm") return minilm();
  if (isFolder(model!)) return await folderFor(resolve(model!), stored);
  if (/^(\.{0,2}[/\\]|[A-Za-z]:\\)/.test(model!)) {
    throw new EmbedlessError("NOT_FOUND", `There is no model folder ${JSON.stringify(model)}.`);
  }
  return hubModelFor(model!, stored);
}

/** A model on a server. If the store was created with a model of the same name, its other settings are used too. */
function serverFor(url: string, { model, ...given }: ModelOptions, stored: EmbedderSource | undefined): Embedder {
  const known = stored?.kind === "http" && (model === undefined || model === stored.model) ? stored : undefined;
  const name = model ?? known?.model;
  if (name === undefined) {
    throw new UsageError(
      "--url needs --model, the name of the model at that server, unless the store has one of a server.",
    );
  }
  return httpEmbedder({ ...settingsOf(known), url, model: name, ...requestsOf(given) });
}

/** The settings of a server's model that a file may decide. Headers are not among them. */
function settingsOf(source: Extract<EmbedderSource, { kind: "http" }> | undefined): Partial<HttpOptions> {
  const { dimensions, batch, queryPrefix, passagePrefix, truncate } = source ?? {};
  const all = { dimensions, batch, queryPrefix, passagePrefix, truncate };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** A model in a folder, with the settings of the store's model. Another model is detected by its weights. */
async function folderFor(folder: string, stored: EmbedderSource | undefined): Promise<Embedder> {
  if (stored?.kind !== "onnx") return await onnxEmbedder({ folder });
  return await embedderFromSource({ ...stored, folder });
}

/** A model of the default hub. A hub that only the file names is not contacted. */
async function hubModelFor(model: string, stored: EmbedderSource | undefined): Promise<Embedder> {
  if (stored?.kind !== "transformers" || stored.model !== model) return transformersEmbedder({ model });
  const { host: _, ...settings } = stored;
  return await embedderFromSource(settings);
}

/** The request settings that were given. */
function requestsOf({ batch, truncate }: ModelOptions): { batch?: number; truncate?: boolean } {
  return { ...(batch !== undefined && { batch }), ...(truncate && { truncate }) };
}

function requireNone({ batch, truncate }: ModelOptions): void {
  if (batch !== undefined) throw new UsageError("--batch is for a server: it needs --url.");
  if (truncate) throw new UsageError("--truncate is for a server: it needs --url. Other models cut long texts anyway.");
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Options of the command line. */
export interface NewStoreOptions extends ModelOptions {
  codes?: string;
  vectors?: string;
  index?: string;
  keywords?: boolean;
}

/** The traits of a new store that were given. `open` checks them. */
export function newStoreTraits({ codes, vectors, index, keywords }: NewStoreOptions): OpenOptions {
  const asked = {
    codes: codes !== undefined && /^\d+$/.test(codes) ? { bytes: Number(codes) } : codes,
    vectors,
    index,
    keywords,
  };
  return JSON.parse(JSON.stringify(asked)) as OpenOptions;
}

/**
 * The embedder source in a store's file. `undefined` if the store has no passages or an embedder without a source, and
 * if the file is not a store or too damaged to read.
 */
export async function storedSource(path: string): Promise<EmbedderSource | undefined> {
  if (!existsSync(path)) return undefined;
  let database: Database | undefined;
  try {
    const opening = { ...resolveOpenOptions(), create: false, readOnly: true, strangers: true };
    database = await Database.open(path, opening);
    return readSoundMeta(database.reader).embedder?.source as EmbedderSource | undefined;
  } catch (error) {
    // The command that uses the file reports what is wrong with it.
    if (error instanceof EmbedlessError) return undefined;
    throw error;
  } finally {
    await database?.close();
  }
}

/** The part of a source, by kind, that says where the embedder is. The other parts say what it is. */
const PLACES: Readonly<Record<string, string>> = { http: "url", onnx: "folder" };

/**
 * Writes the embedder's new place into the store, if the given embedder is elsewhere than the file says. The store must
 * be closed.
 *
 * @throws EmbedlessError `MODEL_MISMATCH` if the embedder there does not give the store's vectors, `EMBEDDER_*`,
 *   `LOCKED`, `IO`
 */
export async function updateAddress(path: string, embedder: Embedder): Promise<void> {
  const database = await Database.open(path, { ...resolveOpenOptions(), create: false });
  try {
    const meta = readMeta(database.reader);
    if (movedSource(meta, embedder) === undefined) return;
    const { id, batchCosine } = meta.embedder!;
    await checkCanaries(embedder, getCanaries(database.reader), {
      lengths: meta.metric !== "cosine",
      expected: id,
      oneByOne: batchCosine === undefined ? undefined : new Slots(1),
    });
    await database.write((tx) => {
      const now = readMeta(tx);
      const source = movedSource(now, embedder);
      if (source !== undefined) writeMeta(tx, { embedder: { ...now.embedder!, source } });
    });
  } finally {
    await database.close();
  }
}

/**
 * The stored source with the place of the given embedder. `undefined` if their kinds differ or their places are the
 * same.
 */
function movedSource({ embedder: stored }: Meta, embedder: Embedder): Record<string, unknown> | undefined {
  const before = stored?.source as Record<string, unknown> | undefined;
  const given = embedder.source as Record<string, unknown> | undefined;
  if (!before || !given || stored?.id !== embedder.id || before["kind"] !== given["kind"]) return undefined;
  const place = PLACES[String(given["kind"])];
  if (place === undefined || before[place] === given[place]) return undefined;
  return { ...before, [place]: given[place] };
}
