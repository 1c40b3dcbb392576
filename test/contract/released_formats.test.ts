// Stores made by earlier releases open and answer as they did then, and go on as stores of this one.

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { FORMAT } from "../../src/storage/schema.js";
import { type Answers, interrogate } from "../reliability/campaigns/answers.js";
import { optionsOf, STORE_KINDS } from "../reliability/campaigns/damaged_stores.js";
import { items, openStore, temporaryFile } from "../support/store.js";

const fixtures = join(import.meta.dirname, "..", "fixtures");
const releases = readdirSync(fixtures, { withFileTypes: true }).filter((entry) => entry.isDirectory());
const made = releases.flatMap(({ name: release }) =>
  STORE_KINDS.filter((kind) => existsSync(join(fixtures, release, `${kind}.json`))).map((kind) => ({ release, kind })),
);

function bytesOf({ release, kind }: (typeof made)[number]): Buffer {
  return gunzipSync(readFileSync(join(fixtures, release, `${kind}.db.gz`)));
}

// Another processor rounds otherwise.
expect.addEqualityTesters([
  (a, b) => (typeof a === "number" && typeof b === "number" ? a === b || Math.abs(a - b) < 1e-3 : undefined),
]);

/** As JSON. What an answer expects of its own recall, each version may tell better than the one before. */
function withoutForecast(answers: Answers): unknown {
  return JSON.parse(JSON.stringify(answers, (key, value) => (key === "expectedRecall" ? undefined : value)));
}

it("there is a store of every format that this version reads", () => {
  // Bytes 60 to 63 of the head of a SQLite file: `PRAGMA user_version`.
  const formats = new Set(made.map((fixture) => bytesOf(fixture).readUInt32BE(60)));
  expect([...formats].sort()).toEqual(Array.from({ length: FORMAT }, (_, i) => i + 1));
});

describe.each(made)("the $kind store of release $release", (fixture) => {
  const { ids, answers } = JSON.parse(
    readFileSync(join(fixtures, fixture.release, `${fixture.kind}.json`), "utf8"),
  ) as { ids: string[]; answers: Answers };

  it.each([true, false])("answers as it did (read only: %s)", async (readOnly) => {
    const file = await temporaryFile();
    writeFileSync(file, bytesOf(fixture));
    const now = await interrogate(file, fixture.kind, ids, readOnly);
    expect(withoutForecast(now)).toEqual(withoutForecast(answers));
  });

  it("goes on as a store of this version", async () => {
    const file = await temporaryFile();
    writeFileSync(file, bytesOf(fixture));
    const store = await openStore(file, optionsOf(fixture.kind));
    await store.add(items(30, 20_000));
    await store.delete({ ids: ids.slice(0, 8) });
    await store.compact();
    expect(await store.count()).toBe(ids.length + 30 - 8);
    expect((await store.search(items(1, 20_007)[0]!.text, { k: 1 })).hits[0]?.id).toBe("p20007");
    expect((await store.verify()).problems).toEqual([]);
  });
});
