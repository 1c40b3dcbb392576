/**
 * `node dist/examples/filters.js`: searches some passages only. A filter is decided before ranking: as many hits come as
 * there are matches, up to `k`. Ends with 1 unless each filter lets through what it should.
 */

import { deepEqual } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Filter, type Passage, VectorStore } from "embedless";
import { readManuals } from "./manuals.js";

/** Each is a filter and what must hold of the passages that it lets through. */
const FILTERS: [what: string, filter: Filter | ((passage: Passage) => boolean), holds: (of: Section) => boolean][] = [
  ["equal", { "manual.name": "commander" }, ({ manual }) => manual.name === "commander"],
  ["ranges", { characters: { $gte: 300, $lt: 600 } }, ({ characters }) => characters >= 300 && characters < 600],
  ["any of", { "manual.name": { $in: ["ignore", "commander"] } }, ({ manual }) => manual.name !== "stemmer"],
  ["an element of a list", { words: "pathname" }, ({ words }) => words.includes("pathname")],
  ["all of, none of", { part: { $lte: 5 }, $not: { part: 0 } }, ({ part }) => part >= 1 && part <= 5],
  ["one of two", { $or: [{ part: 0 }, { characters: { $gt: 900 } }] }, (s) => s.part === 0 || s.characters > 900],
  ["any function, slower", ({ text }) => /example/i.test(text), () => true],
];

interface Section {
  manual: { name: string };
  part: number;
  characters: number;
  words: string[];
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "embedless-filters-"));
  // Paths named here get an index: worth it from some ten thousand passages on.
  const store = await VectorStore.open(join(folder, "manuals.db"), { filterable: ["manual.name"] });
  try {
    await store.add(
      readManuals().flatMap(({ name, text }) =>
        text.split(/^(?=#+ )/m).map((section, part) => {
          const words = [...new Set(section.toLowerCase().match(/[a-z]{5,}/g))];
          const metadata = { manual: { name }, part, characters: section.length, words };
          return { id: `${name}#${part}`, text: section.slice(0, 1000), metadata };
        }),
      ),
    );
    console.log(`${await store.count()} sections. How do I write a first example?\n`);
    for (const [what, filter, holds] of FILTERS) {
      const { hits } = await store.search("How do I write a first example?", { k: 3, filter });
      const matches = await store.count(filter);
      console.log(`${what.padEnd(22)}${String(matches).padStart(4)} match  ${hits.map(({ id }) => id).join(", ")}`);
      deepEqual(hits.length, Math.min(3, matches));
      deepEqual(
        hits.filter(({ metadata }) => !holds(metadata as unknown as Section)),
        [],
      );
    }
    // What is deleted by filter is decided in the same transaction.
    const deleted = await store.delete({ filter: { "manual.name": "ignore" } });
    console.log(`\ndeleted ${deleted} sections, ${await store.count()} are left`);
    deepEqual(await store.count({ "manual.name": "ignore" }), 0);
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
