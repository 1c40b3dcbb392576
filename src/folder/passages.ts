import { cleanId } from "../api/input.js";
/** Files as passages: read, split, and named so that an edit renames only what it touches. */

import { createHash } from "node:crypto";
import type { Embedder } from "../api/embedder.js";
import type { AddItem } from "../api/passage.js";
import { EmbedlessError } from "../base/errors.js";
import { splitText } from "../chunk/split.js";
import { readText } from "./encoding.js";
import type { FoundFile, Reason } from "./files.js";
import { sourceOf } from "./sources.js";

/** What a file came to. */
export interface ReadFile {
  passages: FilePassage[];
  /** As `Decoded` says. */
  encoding: string;
  guessed: boolean;
}

/** What is stored beside the text of a passage that came from a file. */
export interface FileMetadata extends Record<string, unknown> {
  /** Path of the file from the store's folder, with `/`; see `baseOf`. */
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

/** How files are read. */
export interface Reading {
  /** Where the names of files count from; see `baseOf`. */
  base: string;
  /** Whose tokens passages are measured in. */
  embedder: Embedder;
  /** Larger files are left out. */
  mostBytes: number;
}

/**
 * The passages of a file, or why there are none.
 *
 * @throws the file system's error if the file cannot be read; EmbedlessError `NOT_FOUND` if the package that reads
 *   Markdown is not installed, and the embedder's errors.
 */
export async function passagesOf(
  file: FoundFile,
  { base, embedder, mostBytes }: Reading,
): Promise<ReadFile | { reason: Reason }> {
  const content = await readText(file.path, mostBytes);
  if ("reason" in content) return content;
  const { text, encoding, guessed } = content;
  const pieces = await splitText(text, {
    kind: file.kind,
    maxTokens: Math.min(embedder.maxTokens ?? 254, 254),
    countTokens: embedder.countTokens?.bind(embedder),
  });
  if (pieces.length === 0) return { reason: "blank" };
  const source = sourceOf(file.path, base);
  const seen = new Map<string, number>();
  const passages = pieces.map(({ text, lines, heading }) => {
    const hash = createHash("sha256").update(text).digest("base64url").slice(0, 8);
    const occurrence = (seen.get(hash) ?? 0) + 1;
    seen.set(hash, occurrence);
    const id = `${source}#${hash}${occurrence > 1 ? `-${occurrence}` : ""}`;
    return { id, text, metadata: { source, lines, ...(heading === "" ? {} : { heading }) } };
  });
  return passages.every(({ id }) => isId(id)) ? { passages, encoding, guessed } : { reason: "nameTooLong" };
}

function isId(id: string): boolean {
  try {
    return cleanId(id) === id;
  } catch (error) {
    if (error instanceof EmbedlessError) return false;
    throw error;
  }
}
