import { EmbedlessError } from "../base/errors.js";
import { Connection, connect } from "./connection.js";
import { problemsOf, type VerifyStep } from "./integrity.js";
import { createKeywords } from "./keywords.js";
import { readMeta } from "./meta.js";
import { APPLICATION_ID, FORMAT, MIGRATIONS, type Migration, migrate, pragma } from "./schema.js";

/** A table or index as the file describes it: a row of `sqlite_schema`. */
export interface SchemaObject {
  readonly type: string;
  readonly name: string;
  /** The table itself, or the table that the index is on. */
  readonly table: string;
  /** The statement that created it, with comments. */
  readonly sql: string | null;
}

/** The tables and indexes of a store, by name. */
export type Schema = ReadonlyMap<string, SchemaObject>;

/** Limits above what any store has. A path of 1,000 characters takes 6,000 bytes as JSON. */
const MOST_OBJECTS = 128;
const MOST_BYTES = 32_768;

/**
 * Everything that the file describes. SQLite has parsed it already, but evaluated nothing.
 *
 * @throws EmbedlessError `CORRUPT` when that is more than any store has
 */
export function readSchema(c: Connection): SchemaObject[] {
  const sizes = `SELECT count(*) AS objects, max(octet_length(name) + octet_length(coalesce(sql, ''))) AS longest
    FROM store.sqlite_schema`;
  const { objects, longest } = c.get<{ objects: number; longest: number | null }>(sizes)!;
  if (objects > MOST_OBJECTS || (longest ?? 0) > MOST_BYTES) {
    const what = `${objects} tables and indexes, in descriptions of up to ${longest} bytes`;
    throw new EmbedlessError("CORRUPT", `The file describes ${what}, which no store has.`);
  }
  return c.all<SchemaObject>('SELECT type, name, tbl_name AS "table", sql FROM store.sqlite_schema');
}

/** Schemas by list of migrations, without and with a table of words. Each is made once. */
const made = new Map<boolean, WeakMap<readonly Migration[], Schema>>([
  [false, new WeakMap()],
  [true, new WeakMap()],
]);

/** The schema of a new store after `migrations`. */
export function newSchema(migrations: readonly Migration[], keywords: boolean): Schema {
  const known = made.get(keywords)!;
  const schema = known.get(migrations) ?? makeSchema(migrations, keywords);
  known.set(migrations, schema);
  return schema;
}

function makeSchema(migrations: readonly Migration[], keywords: boolean): Schema {
  const session = connect("a store in memory", "file:/embedless-schema?mode=memory", 0);
  try {
    const c = new Connection(session);
    migrate(c, 0, migrations);
    if (keywords) createKeywords(c);
    return new Map(readSchema(c).map((object) => [object.name, object]));
  } finally {
    session.close();
  }
}

/** Whether it is an index on metadata as the option `filterable` creates it: on the value at one path only. */
export function isMetadataIndex({ sql }: SchemaObject): boolean {
  return /^CREATE INDEX \w+ ON passages \(json_extract\(metadata, '(?:[^']|'')*'\)\)$/i.test(sql ?? "");
}

/**
 * Whether SQLite only stores and reads values for the object: it is a table of plain columns, or an index on some.
 * Generated columns, defaults, conditions, expressions, views, triggers and virtual tables are not plain.
 */
export function isPlain({ sql }: SchemaObject): boolean {
  const words = sql === null ? undefined : wordsOf(sql);
  return words !== undefined && (PLAIN_TABLE.test(words) || PLAIN_INDEX.test(words));
}

/** Whether two descriptions differ in one character at most, as after a damaged byte. */
export function isNearly(found: SchemaObject, wanted: SchemaObject): boolean {
  const [a, b] = [found, wanted].map(({ type, table, sql }) => JSON.stringify([type, table, sql])) as [string, string];
  if (a.length !== b.length) return false;
  let others = 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) others++;
  return others <= 1;
}

const NAMES = String.raw`\( \w+(?: , \w+)* \)`;
const COLUMN = String.raw`\w+(?: \w+)?(?: PRIMARY KEY)?(?: NOT NULL)?`;
const PLAIN_TABLE = new RegExp(
  String.raw`^CREATE TABLE \w+ \( ${COLUMN}(?: , ${COLUMN})*(?: , PRIMARY KEY ${NAMES})? \)(?: (?:STRICT|WITHOUT ROWID)(?: ,(?= ))?)*$`,
  "i",
);
const PLAIN_INDEX = new RegExp(String.raw`^CREATE (?:UNIQUE )?INDEX \w+ ON \w+ ${NAMES}$`, "i");

/** The words of a statement separated by spaces, without comments; `undefined` if it holds other characters. */
function wordsOf(sql: string): string | undefined {
  const words: string[] = [];
  const token = /\s+|--[^\n]*|(?<quote>["'`]?)(?<word>\w+)\k<quote>|(?<sign>[(),])/y;
  while (token.lastIndex < sql.length) {
    const found = token.exec(sql)?.groups;
    if (found === undefined) return undefined;
    const word = found["word"] ?? found["sign"];
    if (word !== undefined) words.push(word);
  }
  return words.join(" ");
}

/** The names of indexes on metadata. Their paths differ between stores. */
const FILTERABLE = /^passages_by_/;

/** Compares the statements by which the file describes its tables, with comments, with those of a new store. */
export function* verifySchema(c: Connection): Generator<VerifyStep> {
  const problems: string[] = [];
  yield* problemsOf(() => {
    const wanted = newSchema(MIGRATIONS, readMeta(c).keywords ?? false);
    const found = new Map(readSchema(c).map((object) => [object.name, object]));
    for (const [name, own] of wanted) {
      const object = found.get(name);
      if (object === undefined) problems.push(`The table or index ${name} is missing.`);
      else if (!isSame(object, own)) problems.push(`The description of the table or index ${name} is damaged.`);
    }
    for (const object of found.values()) {
      const isKnown = wanted.has(object.name) || (isMetadataIndex(object) && FILTERABLE.test(object.name));
      if (!isKnown) problems.push(`There is a table or index ${object.name} that no store has.`);
    }
  });
  yield* problems;
}

function isSame(a: SchemaObject, b: SchemaObject): boolean {
  return a.type === b.type && a.table === b.table && a.sql === b.sql;
}

/** What a file says of itself, read before any of its tables. */
export interface Identity {
  /** No table and no application id: a store may be created here. */
  empty: boolean;
  format: number;
}

/** What a file's schema may hold. */
export interface Expected {
  /** Steps between formats. The last one leads to the newest. Default: those of this version. */
  migrations?: readonly Migration[] | undefined;
  /** Whether to ignore plain tables and indexes that no store has. Used for repairing. */
  strangers?: boolean | undefined;
}

/**
 * Reads which program the file belongs to, and checks that it describes only a store. SQLite runs what a file says in
 * generated columns, conditions, triggers and the like, which could take for ever. The description of a table may be
 * damaged, as long as all columns are plain; verifying names it.
 *
 * @throws EmbedlessError `NOT_A_STORE` for another application's database, `FORMAT_VERSION` for a newer store,
 *   `CORRUPT` for a store with tables, indexes, triggers or views that no version makes
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
