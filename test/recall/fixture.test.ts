import { expect, it } from "vitest";
import { nearestOf, QUERY_DEPTH, readFixture, readRows } from "./fixture.js";

const { passages, queries, samples, embedder } = readFixture();
const rows = readRows();
const stored = rows.slice(0, passages.length);

it("has a vector for each text", async () => {
  expect(rows).toHaveLength(passages.length + queries.length + samples.length);
  const texts = [passages[0]!.text, queries.at(-1)!.text, samples.at(-1)!];
  const places = [0, rows.length - samples.length - 1, rows.length - 1];
  expect(await embedder.embedDocuments(texts)).toEqual(places.map((place) => rows[place]));
});

it("names the nearest passages that comparing all of them finds", () => {
  for (const [i, { nearest }] of queries.entries()) {
    if (i % 16 !== 0) continue;
    const found = nearestOf(rows[passages.length + i]!, stored).map((place) => passages[place]!.id);
    expect(nearest).toEqual(found);
    expect(new Set(nearest).size).toBe(QUERY_DEPTH);
  }
});
