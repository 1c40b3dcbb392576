/** Files as passages: read, split, and named so that an edit renames only what it touches. */

import { createHash } from "node:crypto";
import { relative, resolve, sep } from "node:path";
import type { Embedder } from "../embed/embedder.js";
import { EmbedlessError } from "../errors.js";
import { cleanId } from "../passage/passages.js";
import { splitText } from "../passage/split.js";
import type { AddItem, Passage } from "../types.js";
import type { FoundFile } from "./files.js";
import type { Reason } from "./left_out.js";
import { readText } from "./text_file.js";

/** What is stored beside the text of a passage that came from a file. */
export interface FileMetadata extends Record<string, unknown> {
  /** Path of the file from the store's folder, with `/`. */
  source: string;
  /** Lines of the file, from 1, both included. */
  lines: { from: number; to: number };
  /** Headings above, such as `"Install > From source"`; absent where there are none. */
  heading?: string;
}

/** A passage of a file. Its id is the source, a hash of the text and, for equal texts, which of them: `a.md#Hq3-_x90`, `a.md#Hq3-_x90-2`. */
export interface FilePassage extends AddItem {
  id: string;
  metadata: FileMetadata;
}

/** The name of a file in a store that lies in `folder`. Both paths absolute. */
export function sourceOf(path: string, folder: string): string {
  return relative(folder, path).split(sep).join("/");
}

/** The file that a stored passage came from, as an absolute path; `undefined` for passages that `build` did not make. */
export function fileOf(passage: Passage, folder: string): string | undefined {
  const source = passage.metadata["source"];
  if (typeof source !== "string" || !passage.id.startsWith(`${source}#`)) return undefined;
  return resolve(folder, source);
}

/**
 * The passages of a file, measured in the embedder's tokens, or why there are none.
 *
 * @throws the file system's error if the file cannot be read.
 */
export async function passagesOf(
  file: FoundFile,
  folder: string,
  embedder: Embedder,
): Promise<{ passages: FilePassage[] } | { reason: Reason }> {
  const content = await readText(file.path);
  if ("reason" in content) return content;
  const pieces = await splitText(content.text, {
    kind: file.kind,
    maxTokens: Math.min(embedder.maxTokens ?? 254, 254),
    countTokens: embedder.countTokens?.bind(embedder),
  });
  const source = sourceOf(file.path, folder);
  const seen = new Map<string, number>();
  const passages = pieces.map(({ text, lines, heading }) => {
    const hash = createHash("sha256").update(text).digest("base64url").slice(0, 8);
    const occurrence = (seen.get(hash) ?? 0) + 1;
    seen.set(hash, occurrence);
    const id = `${source}#${hash}${occurrence > 1 ? `-${occurrence}` : ""}`;
    return { id, text, metadata: { source, lines, ...(heading === "" ? {} : { heading }) } };
  });
  return passages.every(({ id }) => isId(id)) ? { passages } : { reason: "nameTooLong" };
}

function isId(id: string): boolean {
  try {
    return cleanId(id) === id;
  } catch (error) {
    if (error instanceof EmbedlessError) return false;
    throw error;
  }
}
