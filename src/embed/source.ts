import type { AssumedSettings, Embedder, EmbedderSource } from "../api/embedder.js";
import { EmbedlessError, show } from "../base/errors.js";
import { httpEmbedder } from "./http.js";
import { minilm } from "./minilm/minilm.js";
import { onnxEmbedderAs } from "./onnx.js";
import { resolveAssumed, SETTING_KEYS } from "./settings.js";
import { DEFAULT_HUB, transformersEmbedderAs } from "./transformers.js";

/**
 * Keys of `EmbedderSource` by kind. A store file must not decide anything else, such as headers or where files are
 * kept.
 */
const KEYS: { readonly [K in EmbedderSource["kind"]]: readonly string[] } = {
  minilm: [],
  onnx: ["folder", "assumed", ...Object.keys(SETTING_KEYS)],
  transformers: ["model", "dtype", "revision", "host", "assumed", ...Object.keys(SETTING_KEYS)],
  http: ["url", "model", "dimensions", "batch", "queryPrefix", "passagePrefix", "truncate"],
};

/**
 * Creates the embedder that a store names. It contacts nothing yet. A server gets no key, not even the one in the
 * environment variable `EMBEDLESS_API_KEY`: the address comes from a file, and a key goes only to an address that the
 * caller named (`httpEmbedder`).
 *
 * @throws EmbedlessError `NOT_FOUND` if the model's folder is gone, `FORMAT_VERSION` for a kind or a setting that this
 *   version does not know
 */
export async function embedderFromSource(source: EmbedderSource): Promise<Embedder> {
  requireKnown(source);
  if (source.kind === "minilm") return minilm();
  if (source.kind === "http") {
    const { kind: _, ...options } = source;
    return httpEmbedder({ ...options, apiKey: "" });
  }
  // A store without these settings was created without the table.
  if (source.kind === "onnx") {
    const { kind: _, assumed, ...options } = source;
    return onnxEmbedderAs(options, checkAssumed(assumed));
  }
  const { kind: _, assumed, ...options } = source;
  return transformersEmbedderAs(options, assumed === "config" ? assumed : checkAssumed(assumed));
}

/** Checks what a file says of the table, because anybody may have written it. */
function checkAssumed(assumed: unknown = {}): AssumedSettings {
  try {
    return resolveAssumed(assumed);
  } catch (cause) {
    const message = `The store's embedder has invalid settings: ${(cause as Error).message}`;
    throw new EmbedlessError("FORMAT_VERSION", message, { cause });
  }
}

/**
 * The address to which this embedder would send texts, or from which it would download its model; `undefined` if it
 * stays on this machine or uses the default hub. A server on this machine does not count as an address.
 */
export function remoteAddressOf(source: EmbedderSource): string | undefined {
  requireKnown(source);
  if (source.kind === "http") return unlessLocal(source.url);
  if (source.kind === "transformers") return source.host === undefined ? undefined : unlessLocal(source.host);
  // On Windows such a folder lies on another machine, which learns who asks.
  if (source.kind === "onnx" && /^[\\/]{2}/.test(String(source.folder))) return String(source.folder);
  return undefined;
}

function requireKnown(source: unknown): void {
  if (typeof source !== "object" || source === null) {
    throw new EmbedlessError("FORMAT_VERSION", `The store names its embedder by ${show(source)} instead of an object.`);
  }
  const kind = (source as { kind?: unknown }).kind;
  if (typeof kind !== "string" || !Object.hasOwn(KEYS, kind)) {
    throw new EmbedlessError("FORMAT_VERSION", `The store names an embedder of the unknown kind ${show(kind)}.`);
  }
  const known = KEYS[kind as EmbedderSource["kind"]];
  const strange = Object.keys(source).find((key) => key !== "kind" && !known.includes(key));
  if (strange === undefined) return;
  throw new EmbedlessError("FORMAT_VERSION", `The store's embedder has the unknown setting ${show(strange)}.`);
}

/** Something that is not an address counts as remote, because nothing is known of it. */
function unlessLocal(address: unknown): string | undefined {
  const text = String(address);
  if (!URL.canParse(text)) return text;
  const { hostname, href } = new URL(text);
  const isLocal = hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
  return isLocal || href === DEFAULT_HUB ? undefined : href;
}
