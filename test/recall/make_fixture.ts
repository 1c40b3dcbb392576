/**
 * `npm run build:ts && node dist/test/recall/make_fixture.js`: writes the fixture anew from `../shared/data`, which the
 * README beside it describes. Nothing else needs that folder. Afterwards the stored figures have to be written again.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import {
  type DataPassage,
  defaultDataFolder,
  hasData,
  readPassages,
  readQueries,
  readVectors,
  rowOf,
} from "../support/data.js";
import { choose, seeded } from "../support/seeded.js";
import { type FixtureCounts, fixtureFile, nearestOf, readRows, roundToBytes } from "./fixture.js";

/** LeanVec waits for 4,096 passages before it trains. */
const PASSAGES = 4200;
const SENTENCES = 200;
const SAMPLES = 200;
/** Sources whose passages the store holds: each under a licence that lets derived data be shared freely. */
const STORED = ["rust-doc", "python3.11-doc", "python-pandas-doc", "postgresql-doc-15", "sqlite3-doc"];
/** Sources of questions that people asked, with the passages that answer them. */
const ASKED = ["ce/state_of_the_union", "ce/chatlogs"];
/** Sources of sentences that nothing in the store answers. */
const FOREIGN = ["python-django-doc", "apache2-doc"];

const data = defaultDataFolder();
if (!hasData(data)) throw new Error(`The fixture is made from real passages, and ${data} has none.`);
const random = seeded(17);
const passages = readPassages(data);
const vectors = readVectors(data);
const place = new Map(passages.map(({ id }, i) => [id, i]));
const from = (sources: readonly string[]) => (id: string | undefined) =>
  id !== undefined && sources.includes(passages[place.get(id)!]!.source);

const questions = readQueries(data, "questions");
const sentences = readQueries(data, "sentences");
const having = (queries: typeof questions, sources: readonly string[]) =>
  [...queries.relevant.keys()].filter((i) => from(sources)(queries.relevant[i]![0]));
const asked = having(questions, ASKED);
const cut = choose(having(sentences, STORED), SENTENCES + SAMPLES, random);
const own = cut.slice(0, SENTENCES);
const samples = cut.slice(SENTENCES);
const foreign = having(sentences, FOREIGN);

const answers = new Set(cut.flatMap((i) => sentences.relevant[i]!));
const needed = (passage: DataPassage) => ASKED.includes(passage.source) || answers.has(passage.id);
const others = passages.filter((passage) => STORED.includes(passage.source) && !needed(passage));
const first = passages.filter(needed);
const stored = [...first, ...choose(others, PASSAGES - first.length, random)];
const shuffled = choose(stored, stored.length, random);

const rows = [
  ...shuffled.map(({ id }) => rowOf(vectors, place.get(id)!)),
  ...asked.map((i) => rowOf(questions.vectors, i)),
  ...own.map((i) => rowOf(sentences.vectors, i)),
  ...foreign.map((i) => rowOf(sentences.vectors, i)),
  ...samples.map((i) => rowOf(sentences.vectors, i)),
];
const counts: FixtureCounts = {
  passages: shuffled.length,
  questions: asked.length,
  sentences: own.length,
  foreign: foreign.length,
  samples: samples.length,
};
mkdirSync(fixtureFile("."), { recursive: true });
writeFileSync(fixtureFile("vectors.i8"), Buffer.concat(rows.map(roundToBytes)));
const rounded = readRows();
const among = rounded.slice(0, counts.passages);
const queries = rounded.slice(counts.passages, rounded.length - counts.samples);
const nearest = Uint16Array.from(queries.flatMap((query) => nearestOf(query, among)));
writeFileSync(fixtureFile("nearest.u16"), new Uint8Array(nearest.buffer));
writeFileSync(fixtureFile("counts.json"), `${JSON.stringify(counts, undefined, 2)}\n`);
console.log(counts);
