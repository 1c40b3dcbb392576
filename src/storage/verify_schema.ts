import { Connection, connect } from "./connection.js";
import { createKeywords } from "./keywords.js";
import { readMeta } from "./meta.js";
import { problemsOf, type VerifyStep } from "./problems.js";
import { migrate } from "./schema.js";

/** Tables and indexes by name: what SQLite knows of each, but where it begins. */
type Schema = ReadonlyMap<string, string>;

/** Indexes on metadata are named so; the paths are the store's own. */
const FILTERABLE = /^passages_by_/;

/** Compares the statements that the file describes its tables with, comments too, with those of a new store. */
export function* verifySchema(c: Connection): Generator<VerifyStep> {
  const problems: string[] = [];
  yield* problemsOf(() => {
    const wanted = newSchema(readMeta(c).keywords ?? false);
    const found = schemaOf(c);
    for (const [name, sql] of wanted) {
      if (!found.has(name)) problems.push(`The table or index ${name} is missing.`);
      else if (found.get(name) !== sql) problems.push(`The description of the table or index ${name} is damaged.`);
    }
    for (const name of found.keys()) {
      if (!wanted.has(name) && !FILTERABLE.test(name))
        problems.push(`There is a table or index ${name} that no store has.`);
    }
  });
  yield* problems;
}

function newSchema(keywords: boolean): Schema {
  const session = connect("a store in memory", "file:/embedless-schema?mode=memory", 0);
  try {
    const c = new Connection(session);
    migrate(c, 0);
    if (keywords) createKeywords(c);
    return schemaOf(c);
  } finally {
    session.close();
  }
}

function schemaOf(c: Connection): Schema {
  const sql = "SELECT name, json_array(type, tbl_name, sql) AS description FROM store.sqlite_schema";
  const rows = c.all<{ name: string; description: string }>(sql);
  return new Map(rows.map(({ name, description }) => [name, description]));
}
