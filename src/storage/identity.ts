import { EmbedlessError } from "../base/errors.js";
import type { Connection } from "./connection.js";
import { isMetadataIndex, isNearly, isPlain, newSchema, readSchema, type SchemaObject } from "./known_schema.js";
import { APPLICATION_ID, FORMAT, MIGRATIONS, type Migration, pragma } from "./schema.js";

/** What a file says of itself before any of its tables is read. */
export interface Identity {
  /** No table yet, no application: a store may be made here. */
  empty: boolean;
  format: number;
}

/** What to make of a file's schema. */
export interface Expected {
  /** Steps between formats; the last one leads to the newest. Default: those of this version. */
  migrations?: readonly Migration[] | undefined;
  /** Pass over plain tables and indexes that no store has, which nobody asks for: for repairing. */
  strangers?: boolean | undefined;
}

/**
 * Reads whose file this is, and checks that it describes nothing but a store: SQLite runs what a file says of generated
 * columns, conditions, triggers and the like, and that could take for ever. The description of a table may be damaged, as
 * long as it is one of plain columns: verifying names it.
 *
 * @throws EmbedlessError `NOT_A_STORE` for another application's database, `FORMAT_VERSION` for a newer store, `CORRUPT`
 *   for a store with tables, indexes, triggers or views that no version makes
 */
export function identify(c: Connection, path: string, { migrations = MIGRATIONS, strangers }: Expected = {}): Identity {
  const newest = migrations.at(-1)?.to ?? FORMAT;
  const application = pragma(c, "application_id");
  const format = pragma(c, "user_version");
  if (application === 0 && format === 0 && isEmpty(c)) return { empty: true, format: 0 };
  if (application !== APPLICATION_ID) {
    throw new EmbedlessError("NOT_A_STORE", `Expected a store, but ${path} is the SQLite database of another program.`);
  }
  if (format > newest) {
    throw new EmbedlessError(
      "FORMAT_VERSION",
      `${path} has format ${format}, made by a newer version; this one reads formats up to ${newest}.`,
    );
  }
  const reached = format === newest ? migrations : migrations.filter(({ to }) => to <= format);
  const wanted = newSchema(reached, true);
  for (const object of readSchema(c)) {
    const own = wanted.get(object.name);
    if (own === undefined && !isMetadataIndex(object) && !(strangers && isPlain(object))) throw stranger(path, object);
    if (own !== undefined && !isNearly(object, own) && !isPlain(object)) throw changed(path, object);
  }
  return { empty: false, format };
}

function isEmpty(c: Connection): boolean {
  return c.get("SELECT 1 FROM store.sqlite_schema LIMIT 1") === undefined;
}

function stranger(path: string, { type, name }: SchemaObject): EmbedlessError {
  return new EmbedlessError("CORRUPT", `${path} holds the ${type} ${JSON.stringify(name)}, which no store has.`);
}

function changed(path: string, { type, name }: SchemaObject): EmbedlessError {
  return new EmbedlessError("CORRUPT", `${path} describes its ${type} ${name} as no store does: the store is damaged.`);
}
