import { randomUUID } from "node:crypto";
import { types } from "node:util";
import { Document, type DocumentInterface } from "@langchain/core/documents";
import {
  type AddItem,
  EmbedlessError,
  type Filter,
  type Metadata,
  matchesFilter,
  type Passage,
  type PassageTest,
} from "../../src/index.js";
import { invalid } from "../errors.js";

/**
 * Which documents to consider: conditions on metadata, or a function over documents. A function reads all documents.
 */
export type DocumentFilter<M extends Metadata = Metadata> = Filter | ((document: Document<M>) => boolean);

/** What is given beside a document when it is added. */
export interface Beside {
  /** The document's index, for errors. */
  readonly place: number;
  /** Overrides the document's own id. */
  readonly id?: string | undefined;
  readonly vector?: number[] | undefined;
}

/**
 * Converts a document to an item of the core.
 *
 * @throws `INVALID_ARGUMENT` naming the document, if it is not a document or has metadata that JSON cannot hold
 */
export function toItem(document: DocumentInterface, { place, id, vector }: Beside): AddItem {
  const name = `documents[${place}]`;
  if (typeof document !== "object" || document === null) {
    throw invalid(`Expected a document with pageContent for ${name}, but received ${String(document)}.`);
  }
  const own = id ?? document.id;
  return {
    // JSON and databases write null for a missing id.
    ...((own ?? undefined) !== undefined && { id: own }),
    text: document.pageContent,
    metadata: asJson(document.metadata ?? {}, name),
    ...(vector !== undefined && { vector }),
  };
}

/**
 * Makes documents from texts and their metadata: one object per text, or one for all. Texts without metadata have none.
 *
 * @throws `INVALID_ARGUMENT` unless it is an array of texts, or if there is more metadata than texts
 */
export function toDocuments(texts: string[], metadatas: object[] | object | undefined): Document[] {
  if (!Array.isArray(texts)) throw invalid("Expected an array of texts, but received something else.");
  const each = Array.isArray(metadatas) ? metadatas : texts.map(() => metadatas);
  if (each.length > texts.length) {
    throw invalid(`Expected at most ${texts.length} metadatas, one per text, but received ${each.length}.`);
  }
  return texts.map((pageContent, i) => new Document({ pageContent, metadata: each[i] ?? {} }));
}

/**
 * Whether a question has no words.
 *
 * @throws `INVALID_ARGUMENT` unless it is a text or a vector
 */
export function isEmpty(query: unknown): boolean {
  if (typeof query === "string") return query.trim() === "";
  if (Array.isArray(query) || ArrayBuffer.isView(query)) return false;
  throw invalid(`Expected a text or a vector for query, but received ${query === null ? "null" : typeof query}.`);
}

/** The ids of all items. Items at `skippedAt` get their own ids or new ones. */
export function lineUp(added: readonly string[], skippedAt: readonly number[], items: readonly AddItem[]): string[] {
  const skipped = new Set(skippedAt);
  let next = 0;
  return items.map(({ id }, i) => (skipped.has(i) ? (id ?? randomUUID()) : added[next++]!));
}

/** Throws `INVALID_ARGUMENT` unless it is an array. */
export function checkDocuments(documents: unknown): void {
  if (!Array.isArray(documents)) throw invalid("Expected an array of documents, but received something else.");
}

/** Metadata as JSON stores them. Loaders put dates and class instances into metadata. */
function asJson(metadata: Record<string, unknown>, name: string): Record<string, unknown> {
  try {
    return JSON.parse(JSON.stringify(metadata)) as Record<string, unknown>;
  } catch (error) {
    throw invalid(`The metadata of ${name} cannot be stored as JSON: ${reasonOf(error)}`, error);
  }
}

/** Only the first line. For an object that contains itself, V8 draws a picture on the following lines. */
function reasonOf(error: unknown): string {
  const [first = ""] = (types.isNativeError(error) ? error.message : String(error)).split("\n");
  if (/call stack/.test(first)) return "it is nested too deeply.";
  return /circular/.test(first) ? "a value in it contains itself." : `${first}.`;
}

/**
 * Converts a filter for the core. LangChain's functions take documents. A wrong filter, `null` too, fails even if
 * nothing is searched, because a filter that was lost by mistake must not match everything.
 *
 * @throws `INVALID_FILTER`
 */
export function toFilter<M extends Metadata>(
  filter: DocumentFilter<M> | null | undefined,
): Filter | PassageTest | undefined {
  if (typeof filter === "function") return (passage) => filter(toDocument<M>(passage));
  if (filter === null) {
    const message =
      "Expected conditions or a function for filter, but received null: leave filter out to search everything.";
    throw new EmbedlessError("INVALID_FILTER", message);
  }
  if (filter !== undefined) matchesFilter({}, filter);
  return filter;
}

/** Converts a passage to a document. */
export function toDocument<M extends Metadata = Metadata>({ id, text, metadata }: Passage): Document<M> {
  return new Document({ pageContent: text, metadata: metadata as M, id });
}

/** Throws `INVALID_ARGUMENT` unless it is an array with one value per item. */
export function checkLength(
  parameter: string,
  values: readonly unknown[],
  items: readonly unknown[],
  item = "document",
): void {
  if (!Array.isArray(values))
    throw invalid(`Expected an array of ${parameter}, one per ${item}, but received something else.`);
  if (values.length === items.length) return;
  throw invalid(`Expected ${items.length} ${parameter}, one per ${item}, but received ${values.length}.`);
}
