import { Document, type DocumentInterface } from "@langchain/core/documents";
import {
  type AddItem,
  type Filter,
  type Metadata,
  matchesFilter,
  type Passage,
  type PassageTest,
} from "../../src/index.js";
import { invalid } from "../errors.js";

/** Which documents to consider: conditions on metadata, or a function over documents, which has to look at all of them. */
export type DocumentFilter<M extends Metadata = Metadata> = Filter | ((document: Document<M>) => boolean);

/** A document as an item of the core. */
export function toItem(document: DocumentInterface, id = document.id, vector?: number[]): AddItem {
  return {
    ...(id !== undefined && { id }),
    text: document.pageContent,
    metadata: asJson(document.metadata ?? {}),
    ...(vector !== undefined && { vector }),
  };
}

/** Loaders put dates and class instances into metadata; stored they become what JSON makes of them. */
function asJson(metadata: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(metadata)) as Record<string, unknown>;
}

/**
 * A filter for the core: LangChain's functions see documents. One of the wrong kind is told even where nothing is searched.
 *
 * @throws `INVALID_FILTER`
 */
export function toFilter<M extends Metadata>(filter: DocumentFilter<M> | undefined): Filter | PassageTest | undefined {
  if (typeof filter === "function") return (passage) => filter(toDocument<M>(passage));
  if (filter !== undefined) matchesFilter({}, filter);
  return filter;
}

/** A passage as a document. */
export function toDocument<M extends Metadata = Metadata>({ id, text, metadata }: Passage): Document<M> {
  return new Document({ pageContent: text, metadata: metadata as M, id });
}

/** Throws `INVALID_ARGUMENT` unless there is one value for each item. */
export function checkLength(
  parameter: string,
  values: readonly unknown[],
  items: readonly unknown[],
  item = "a document",
): void {
  if (values.length === items.length) return;
  throw invalid(`Expected ${items.length} ${parameter}, one ${item}, but received ${values.length}.`);
}
