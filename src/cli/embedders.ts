/** From `--model`, `--url` and `--trust-address` to what `open` is told of the embedder. */

import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { Embedder } from "../embed/embedder.js";
import { EmbedlessError } from "../errors.js";
import { httpEmbedder, minilm, onnxEmbedder, transformersEmbedder } from "../index.js";
import type { OpenOptions } from "../types.js";
import { UsageError } from "./failures.js";

/** Options of the command line. */
export interface ModelOptions {
  /** `minilm`, a folder with an ONNX model, or a name on the Hugging Face hub; with `url` what the server there knows. */
  model?: string;
  url?: string;
  /** Most texts a request to the server. */
  batch?: number;
  /** Cut texts that the server refuses as too long. */
  truncate?: boolean;
  /** Contact the address that the store's file names. */
  trustAddress?: boolean;
}

/** What `VectorStore.open` is told of the embedder. */
export type EmbeddingOptions = Pick<OpenOptions, "embedder" | "trustStoredAddress">;

/** Runs `work` with the embedder that the options name, and ends it afterwards; if they name none, the store finds its own. */
export async function withModel<T>(options: ModelOptions, work: (opening: EmbeddingOptions) => Promise<T>): Promise<T> {
  const embedder = await embedderFor(options);
  try {
    return await work({ ...(embedder && { embedder }), trustStoredAddress: options.trustAddress ?? false });
  } finally {
    await embedder?.close?.();
  }
}

async function embedderFor({ model, url, ...server }: ModelOptions): Promise<Embedder | undefined> {
  if (url === undefined) requireNone(server);
  if (model === undefined) {
    if (url !== undefined) throw new UsageError("--url needs --model, the name of the model at that server.");
    return undefined;
  }
  if (url !== undefined) return httpEmbedder({ url, model, ...requestsOf(server) });
  if (model === "minilm") return minilm();
  if (isFolder(model)) return onnxEmbedder({ folder: resolve(model) });
  if (/^(\.{0,2}[/\\]|[A-Za-z]:\\)/.test(model)) {
    throw new EmbedlessError("NOT_FOUND", `There is no model folder ${JSON.stringify(model)}.`);
  }
  return transformersEmbedder({ model });
}

/** What is asked of a server, as given. */
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
