import type { Connection } from "./connection.js";
import { isMetadataIndex, newSchema, readSchema, type SchemaObject } from "./known_schema.js";
import { readMeta } from "./meta.js";
import { problemsOf, type VerifyStep } from "./problems.js";
import { MIGRATIONS } from "./schema.js";

/** Indexes on metadata are named so; the paths are the store's own. */
const FILTERABLE = /^passages_by_/;

/** Compares the statements that the file describes its tables with, comments too, with those of a new store. */
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
