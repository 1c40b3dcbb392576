import { createHash } from "node:crypto";
import { EmbedlessError, outOfRange, show, wrongType } from "../base/errors.js";
import type { Connection } from "../storage/connection.js";
import type { Database } from "../storage/database.js";
import { problemsOf, type VerifyStep } from "../storage/integrity.js";
import { raiseVersion, readMeta, writeMeta } from "../storage/meta.js";
import { type FilterPath, parsePath, writePath } from "./parse.js";
import { indexedExpression } from "./sql.js";

/** Most paths with an index of their own. Each makes every add and delete a little slower. */
export const MAX_FILTERABLE = 32;

/**
 * Checks the option `filterable`, and answers its paths in canonical form.
 *
 * @throws TypeError or RangeError (`INVALID_ARGUMENT`) for anything but at most 32 paths
 */
export function checkFilterable(paths: unknown): string[] {
  if (paths === undefined) return [];
  if (!Array.isArray(paths)) throw wrongType("filterable", "an array of metadata paths", paths);
  const written = Array.from(paths, (path, i) => canonical(path, `filterable[${i}]`));
  const distinct = [...new Set(written)];
  if (distinct.length > MAX_FILTERABLE) {
    throw outOfRange("filterable", `at most ${MAX_FILTERABLE} paths`, distinct.length);
  }
  return distinct;
}

/**
 * Creates an expression index for each path without one, in one transaction, and records it in the store's settings. An
 * index over a million passages takes SQLite some seconds, during which nothing else runs. If all indexes exist, this
 * costs nothing.
 *
 * @param paths From `checkFilterable`.
 * @throws EmbedlessError `LOCKED`, `NO_SPACE`, `IO`, `CORRUPT`; `LIMIT` if the store would have more than 32
 */
export async function ensureFilterable(database: Database, paths: readonly string[]): Promise<void> {
  if (database.readOnly || missing(database.reader, paths).length === 0) return;
  await database.write((tx) => {
    const fresh = missing(tx, paths);
    if (fresh.length === 0) return;
    const all = [...(readMeta(tx).filterable ?? []), ...fresh];
    if (all.length > MAX_FILTERABLE) {
      throw new EmbedlessError("LIMIT", `A store has at most ${MAX_FILTERABLE} filterable paths, not ${all.length}.`);
    }
    for (const path of fresh) {
      tx.exec(`CREATE INDEX store.${indexOn(path)}`);
    }
    writeMeta(tx, { filterable: all });
    raiseVersion(tx);
  });
}

/** Answers a function that says whether a path has an index. */
export function indexedPaths(c: Connection): (path: FilterPath) => boolean {
  const known = new Set(readMeta(c).filterable);
  return (path) => known.has(writePath(path));
}

function missing(c: Connection, paths: readonly string[]): string[] {
  const known = new Set(readMeta(c).filterable);
  return paths.filter((path) => !known.has(path));
}

function canonical(path: unknown, place: string): string {
  if (typeof path !== "string" || path === "") throw wrongType(place, "a metadata path", path);
  if (path.startsWith("$"))
    throw outOfRange(place, `a metadata path, not an operator (write ${show(`\\${path}`)})`, path);
  try {
    return writePath(parsePath(path, place));
  } catch {
    throw outOfRange(place, "a path of at most 1,000 characters and 32 keys without NUL", path);
  }
}

/** Checks that each path in the store's settings has its index, as it was created, and that there are no others. */
export function* verifyFilterable(c: Connection): Generator<VerifyStep> {
  const problems: string[] = [];
  yield* problemsOf(() => {
    const wanted = new Map((readMeta(c).filterable ?? []).map((path) => [indexName(path), indexOn(path)]));
    const sql =
      "SELECT name, type, tbl_name, sql FROM store.sqlite_schema WHERE name LIKE 'passages!_by!_%' ESCAPE '!'";
    for (const { name, ...index } of c.all<{ name: string; type: string; tbl_name: string; sql: string }>(sql)) {
      const isSound =
        index.type === "index" && index.tbl_name === "passages" && index.sql === `CREATE INDEX ${wanted.get(name)}`;
      if (!isSound) problems.push(`The description of the index ${name} is damaged.`);
      wanted.delete(name);
    }
    for (const name of wanted.keys()) problems.push(`The index ${name} is missing.`);
  });
  yield* problems;
}

/** The statement that creates a path's index, from the index's name on. */
function indexOn(path: string): string {
  return `${indexName(path)} ON passages (${indexedExpression(parsePath(path, "filterable"))})`;
}

/** The name is a digest, because paths may hold any character. */
function indexName(path: string): string {
  return `passages_by_${createHash("sha256").update(path).digest("hex").slice(0, 16)}`;
}
