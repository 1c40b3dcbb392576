import { EmbedlessError, outOfRange } from "../errors.js";
import { nonEmptyString } from "./settings.js";

/**
 * The addresses that may be meant by a base address, likeliest first: with and without `/v1`, with and without
 * `/embeddings`, with and without slashes at the end.
 *
 * @throws `INVALID_ARGUMENT` for anything but an http or https address without user, password and fragment
 */
export function endpointsOf(value: unknown): URL[] {
  const text = nonEmptyString("url", value);
  const expected = "an http or https address without user, password and fragment";
  if (!URL.canParse(text)) throw outOfRange("url", expected, value);
  const url = new URL(text);
  if (!/^https?:$/.test(url.protocol)) throw outOfRange("url", expected, value);
  if (url.username || url.password || url.hash) {
    // A password is for nobody else's eyes.
    throw new EmbedlessError("INVALID_ARGUMENT", `Expected ${expected} for url, but received one with such a part.`);
  }
  const path = url.pathname.replace(/\/+$/, "");
  return pathsOf(path).map((pathname) => Object.assign(new URL(url), { pathname }));
}

function pathsOf(path: string): string[] {
  // Ollama's own protocol is another one; under /v1 it speaks this one.
  const own = /^(.*)\/api(\/embed|\/embeddings)?$/.exec(path);
  if (own) return [path.endsWith("/embeddings") ? path : `${own[1]}/api/embeddings`, `${own[1]}/v1/embeddings`];
  if (path.endsWith("/embeddings")) return [path];
  if (/\/v\d+\w*$/.test(path)) return [`${path}/embeddings`];
  const [plain, versioned] = [`${path}/embeddings`, `${path}/v1/embeddings`];
  // A bare host has its protocol under /v1 nearly always; a path was likely copied whole.
  return path === "" ? [versioned, plain] : [plain, versioned];
}
