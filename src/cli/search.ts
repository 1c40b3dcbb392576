/** `embedless search`: finds the passages that answer a question. */

import { existsSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import type { Filter } from "../api/passage.js";
import type { Hit, SearchOptions, SearchResult } from "../api/search.js";
import { sourceIn, withoutLinks } from "../folder/sources.js";
import { VectorStore } from "../index.js";
import { readFilter } from "./code_names.js";
import { type ModelOptions, withModel } from "./embedders.js";
import { costLine, explainLines, hitLines } from "./hits.js";
import { printJson, type Terminal, terminalOf } from "./terminal.js";

/** Options of the command line. */
export interface SearchCommandOptions extends ModelOptions {
  k: number;
  mode: NonNullable<SearchOptions["mode"]>;
  recall: number;
  maxRecomputes?: number;
  /** Milliseconds. */
  deadline?: number;
  approx?: boolean;
  /** No passage is embedded again. */
  estimates?: boolean;
  /** A filter as JSON. */
  filter?: string;
  explain?: boolean;
  json?: boolean;
}

/** Most lines of text shown per hit. */
const EXCERPT_LINES = 4;

/**
 * Searches an existing store with the embedder that created it, or with one that the options name. It never creates a
 * file.
 */
export async function search(path: string, question: string, options: SearchCommandOptions): Promise<void> {
  const filter = options.filter === undefined ? undefined : readFilter(options.filter);
  await withModel(options, path, async (opening) => {
    const store = await VectorStore.open(path, {
      create: false,
      readOnly: true,
      preload: options.mode !== "keyword",
      ...opening,
    });
    try {
      const result = await store.search(question, searchOptions(options, filter));
      const passages = await store.count();
      if (options.json) printJson(asJson(question, result, passages));
      else print(terminalOf(process.stdout), question, result, passages, dirname(withoutLinks(resolve(store.path))));
    } finally {
      await store.close();
    }
  });
}

function searchOptions(options: SearchCommandOptions, filter: Filter | undefined): SearchOptions {
  const { k, mode, recall, maxRecomputes: max, deadline: deadlineMs, approx, estimates, explain = false } = options;
  const limits = { ...(max !== undefined && { max }), ...(deadlineMs !== undefined && { deadlineMs }) };
  const recompute = estimates ? 0 : limits;
  return {
    k,
    mode,
    recall,
    recompute,
    scores: approx ? "approx" : "exact",
    explain,
    ...(filter !== undefined && { filter }),
  };
}

function asJson(question: string, { hits, expectedRecall, cost }: SearchResult, passages: number) {
  return { question, passages, hits: hits.map((hit, i) => ({ rank: i + 1, ...hit })), expectedRecall, cost };
}

function print(terminal: Terminal, question: string, result: SearchResult, passages: number, folder: string): void {
  const nameOf = (hit: Hit) => nameFromHere(hit, folder);
  terminal.line();
  for (const [i, hit] of result.hits.entries()) {
    for (const line of hitLines(hit, i + 1, terminal, { question, lines: EXCERPT_LINES, nameOf })) terminal.line(line);
    terminal.line();
  }
  if (result.hits[0]?.explain) {
    for (const line of explainLines(result)) terminal.line(line);
    terminal.line();
  }
  if (result.hits.length === 0) terminal.line(passages === 0 ? "The store has no passages." : "No passage matches.");
  terminal.line(terminal.style("dim", costLine(result.cost, passages)));
}

/** The path of the hit's file relative to the current folder, so that it can be opened from there. */
function nameFromHere(hit: Hit, folder: string): string {
  const source = sourceIn(hit);
  if (source === undefined) return hit.id;
  const file = resolve(folder, source);
  if (!existsSync(file)) return source; // gone, or relative to the place of the store before it moved
  const fromHere = relative(process.cwd(), file);
  return fromHere.startsWith("../../..") ? file : fromHere;
}
