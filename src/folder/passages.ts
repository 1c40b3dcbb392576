import { cleanId } from "../api/input.js";
/** Turns files into passages. Ids are chosen so that an edit changes only the ids of what it touches. */

import { createHash } from "node:crypto";
import type { Embedder } from "../api/embedder.js";
import type { AddItem } from "../api/passage.js";
import { EmbedlessError } from "../base/errors.js";
import { splitText } from "../chunk/split.js";
import { readText } from "./encoding.js";
import type { FoundFile, Reason } from "./files.js";
import { sourceOf } from "./sources.js";

/** What was read from a file. */
export interface ReadFile {
  passages: FilePassage[];
  /** The encoding, as in `Decoded`. */
  encoding: string;
  guessed: boolean;
}

/** The metadata of a passage that came from a file. */
export interface FileMetadata extends Record<string, unknown> {
  /** Path of the file from the store's folder, with `/`; see `baseOf`. */
  source: string;
  /** First and last line of the file, counted from 1. */
  lines: { from: number; to: number };
  /** Headings above the passage, such as `"Install > From source"`. Missing if there are none. */
  heading?: string;
}

/**
 * A passage of a file. Its id is made of the source, a hash of the text and, for equal texts, their number:
 * `a.md#Hq3-_x90`, `a.md#Hq3-_x90-2`.
 */
export interface FilePassage extends AddItem {
  id: string;
  metadata: FileMetadata;
}

/** How files are read. */
export interface Reading {
  /** The folder that the names of files are relative to; see `baseOf`. */
  base: string;
  /** The embedder whose tokens measure passages. */
  embedder: Embedder;
  /** Larger files are left out. */
  mostBytes: number;
}

/**
 * The passages of a file, or the reason why there are none.
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
