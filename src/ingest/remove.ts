import { cleanIds } from "../api/input.js";
import { nodesFrom } from "../base/bitmap.js";
import { checkKeys } from "../base/checks.js";
import { EmbedlessError, wrongType } from "../base/errors.js";
import { Turns } from "../base/turns.js";
import { matchingNodes } from "../filter/matching.js";
import { type FilterTree, parseFilter } from "../filter/parse.js";
import type { Passages } from "../passage/passages.js";
import { clearCodes } from "../storage/codes.js";
import type { Connection } from "../storage/connection.js";
import type { Database } from "../storage/database.js";
import { clearGraph } from "../storage/graph.js";
import { clearKeywords } from "../storage/keywords.js";
import { clearLive, clearLiveBits } from "../storage/live_bits.js";
import { raiseNumbering, raiseVersion, readMeta } from "../storage/meta.js";
import { clearRecords, deleteRecordsOf, namespacesOf } from "../storage/records.js";
import { clearPending, clearVectors, deleteVectors } from "../storage/vectors.js";

/** Passages removed before the event loop gets a turn. This takes a millisecond or two. */
const SLICE = 16;

/** Which passages to remove: distinct ids (unknown ones are ignored), those that match a filter, or all. */
export type DeleteTarget = { readonly ids: readonly string[] } | { readonly filter: FilterTree } | "all";

/**
 * Checks the argument of `delete`.
 *
 * @throws TypeError (`INVALID_ARGUMENT`) unless it is one of `ids`, `filter` and `all: true`; `INVALID_ID`,
 *   `INVALID_FILTER`, the latter also for a filter without conditions, which would delete everything by mistake
 */
export function deleteTarget(what: unknown): DeleteTarget {
  checkKeys("delete", what, { ids: 1, filter: 1, all: 1 });
  const { ids, filter, all } = what as { ids?: unknown; filter?: unknown; all?: unknown };
  const given = [ids, filter, all].filter((value) => value !== undefined);
  if (given.length !== 1 || (all !== undefined && all !== true)) {
    throw wrongType("what to delete", "{ ids }, { filter } or { all: true }", what);
  }
  if (all) return "all";
  if (ids !== undefined) return { ids: [...new Set(cleanIds(ids))] };
  const tree = parseFilter(filter);
  if (tree.kind !== "all" || tree.of.length > 0) return { filter: tree };
  throw new EmbedlessError("INVALID_FILTER", "Expected conditions in the filter of delete; { all: true } deletes all.");
}

/**
 * Removes passages and their pipeline records in one transaction, all of them or none. A filter is evaluated inside the
 * transaction.
 *
 * @returns the number of removed passages
 */
export async function removePassages(
  database: Database,
  passages: Passages,
  what: DeleteTarget,
  signal: AbortSignal,
): Promise<number> {
  const remove = async (tx: Connection) => {
    if (what === "all") return await removeAll(tx, passages, signal);
    const version = raiseVersion(tx);
    const next = await slices(tx, passages, what, signal);
    const namespaces = namespacesOf(tx);
    const turns = new Turns({ signal });
    let removed = 0;
    for (;;) {
      await turns.give();
      const slice = next();
      if (slice.length === 0) return removed;
      const { nodes } = passages.removeByIds(tx, slice);
      clearLive(tx, nodes, version);
      deleteVectors(tx, nodes);
      for (const id of slice) deleteRecordsOf(tx, id, namespaces);
      removed += nodes.length;
    }
  };
  return await database.write(remove, { signal });
}

/**
 * Empties all tables that belong to passages, each in one statement, and numbers nodes from 0 again. The store's
 * settings, codebook and dictionaries stay.
 */
async function removeAll(tx: Connection, passages: Passages, signal: AbortSignal): Promise<number> {
  const { passages: count, nextNode, keywords } = readMeta(tx);
  clearRecords(tx);
  if (nextNode === 0) return 0;
  raiseVersion(tx);
  // A search that found a passage by its node must look again.
  raiseNumbering(tx);
  const turns = new Turns({ signal });
  const rest = [clearCodes, clearPending, clearVectors, clearLiveBits, clearGraph];
  for (const clear of [(c: Connection) => passages.clear(c), ...rest, ...(keywords ? [clearKeywords] : [])]) {
    await turns.give();
    clear(tx);
  }
  return count;
}

/** A function that answers the next ids to remove, and none at the end. */
async function slices(
  tx: Connection,
  passages: Passages,
  what: Exclude<DeleteTarget, "all">,
  signal: AbortSignal,
): Promise<() => readonly string[]> {
  if ("ids" in what) {
    let at = 0;
    return () => {
      at += SLICE;
      return what.ids.slice(at - SLICE, at);
    };
  }
  const bits = await matchingNodes(tx, what.filter, signal);
  let from = 0;
  return () => {
    const nodes = nodesFrom(bits, from, SLICE);
    from = (nodes.at(-1) ?? from) + 1;
    return [...passages.byNodesIn(tx, nodes).values()].map(({ id }) => id);
  };
}
