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

/** Which documents to consider: conditions on metadata, or a function over documents, which has to look at all of them. */
export type DocumentFilter<M extends Metadata = Metadata> = Filter | ((document: Document<M>) => boolean);

/** What stands beside a document when it is added. */
export interface Beside {
  /** Its place among the documents, for errors. */
  readonly place: number;
  /** Goes before the document's own. */
  readonly id?: string | undefined;
  readonly vector?: number[] | undefined;
}

/**
 * A document as an item of the core.
 *
 * @throws `INVALID_ARGUMENT` for what is no document, or has metadata that JSON cannot hold; it names the document
 */
export function toItem(document: DocumentInterface, { place, id, vector }: Beside): AddItem {
  const name = `documents[${place}]`;
  if (typeof document !== "object" || document === null) {
    throw invalid(`Expected a document with pageContent for ${name}, but received ${String(document)}.`);
  }
  const own = id ?? document.id;
  return {
    // JSON and databases have null where there is no id.
    ...((own ?? undefined) !== undefined && { id: own }),
    text: document.pageContent,
    metadata: asJson(document.metadata ?? {}, name),
    ...(vector !== undefined && { vector }),
  };
}

/**
 * Texts with their metadata, one for each or one for all, as documents; texts that are left over have none.
 *
 * @throws `INVALID_ARGUMENT` for what is no array of texts, or for more metadata than texts
 */
export function toDocuments(texts: string[], metadatas: object[] | object | undefined): Document[] {
  if (!Array.isArray(texts)) throw invalid("Expected an array of texts, but received something else.");
  const each = Array.isArray(metadatas) ? metadatas : texts.map(() => metadatas);
  if (each.length > texts.length) {
    throw invalid(`Expected at most ${texts.length} metadatas, one a text, but received ${each.length}.`);
  }
  return texts.map((pageContent, i) => new Document({ pageContent, metadata: each[i] ?? {} }));
}

/**
 * Whether a question has no words.
 *
 * @throws `INVALID_ARGUMENT` for what is neither a text nor a vector
 */
export function isEmpty(query: unknown): boolean {
  if (typeof query === "string") return query.trim() === "";
  if (Array.isArray(query) || ArrayBuffer.isView(query)) return false;
  throw invalid(`Expected a text or a vector for query, but received ${query === null ? "null" : typeof query}.`);
}

/** The ids of all items: those that were added, and for those at `skippedAt` their own or new ones. */
export function lineUp(added: readonly string[], skippedAt: readonly number[], items: readonly AddItem[]): string[] {
  const skipped = new Set(skippedAt);
  let next = 0;
  return items.map(({ id }, i) => (skipped.has(i) ? (id ?? randomUUID()) : added[next++]!));
}

/** Throws `INVALID_ARGUMENT` unless it is an array. */
export function checkDocuments(documents: unknown): void {
  if (!Array.isArray(documents)) throw invalid("Expected an array of documents, but received something else.");
}

/** Loaders put dates and class instances into metadata; stored they become what JSON makes of them. */
function asJson(metadata: Record<string, unknown>, name: string): Record<string, unknown> {
  try {
    return JSON.parse(JSON.stringify(metadata)) as Record<string, unknown>;
  } catch (error) {
    throw invalid(`The metadata of ${name} cannot be stored as JSON: ${reasonOf(error)}`, error);
  }
}

/** V8 draws a picture of what contains itself, on lines of its own. */
function reasonOf(error: unknown): string {
  const [first = ""] = (types.isNativeError(error) ? error.message : String(error)).split("\n");
  if (/call stack/.test(first)) return "it is nested too deeply.";
  return /circular/.test(first) ? "a value in it contains itself." : `${first}.`;
}

/**
 * A filter for the core: LangChain's functions see documents. One of the wrong kind is told even where nothing is searched,
 * `null` too: a filter that was lost on its way must not let everything through.
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

/** A passage as a document. */
export function toDocument<M extends Metadata = Metadata>({ id, text, metadata }: Passage): Document<M> {
  return new Document({ pageContent: text, metadata: metadata as M, id });
}

/** Throws `INVALID_ARGUMENT` unless it is an array with one value for each item. */
export function checkLength(
  parameter: string,
  values: readonly unknown[],
  items: readonly unknown[],
  item = "a document",
): void {
  if (!Array.isArray(values))
    throw invalid(`Expected an array of ${parameter}, one ${item}, but received something else.`);
  if (values.length === items.length) return;
  throw invalid(`Expected ${items.length} ${parameter}, one ${item}, but received ${values.length}.`);
}
