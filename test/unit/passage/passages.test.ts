import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cleanId } from "../../../src/api/input.js";
import { metadataToJson } from "../../../src/passage/metadata.js";
import { type NewPassage, Passages } from "../../../src/passage/passages.js";
import type { Database } from "../../../src/storage/database.js";
import { newestDictionary } from "../../../src/storage/dictionaries.js";
import { setLive } from "../../../src/storage/live_bits.js";
import { raiseVersion, readMeta } from "../../../src/storage/meta.js";
import { textHash } from "../../../src/text/text.js";
import { codeOf, openDatabase, temporaryPath } from "../storage/temporary_store.js";

const passage = (node: number, text: string, metadata?: object): NewPassage => ({
  node,
  id: `id-${node}`,
  text,
  metadata: metadataToJson(metadata),
});

/** Prose that a dictionary helps, never twice the same. */
const prose = (n: number) =>
  `Section ${n}: the function returns an error when argument ${n % 13} is missing. See also section ${n * 7}. `.repeat(
    1 + (n % 5),
  );

async function opened(): Promise<{ database: Database; passages: Passages }> {
  const database = await openDatabase(temporaryPath());
  return { database, passages: new Passages(database) };
}

describe("ids", () => {
  it.each(["a", "\ud83d\ude00", "x".repeat(1024), "é".repeat(512), "__proto__", "'; DROP TABLE passages"])(
    "takes %j",
    (id) => {
      expect(cleanId(id)).toBe(id);
    },
  );

  it.each(["", "x".repeat(1025), "é".repeat(513), "a\0b", "\ud800", 7, null, undefined, { toString: () => "x" }])(
    "refuses %j",
    async (id) => {
      expect(await codeOf(() => cleanId(id))).toBe("INVALID_ID");
      expect(() => cleanId(id, "ids[2]")).toThrow("ids[2]");
    },
  );

  it("never find another passage by half an id", async () => {
    const { database, passages } = await opened();
    await database.write((tx) =>
      passages.insert(tx, [
        { ...passage(0, "one"), id: "a" },
        { ...passage(1, "two"), id: "\ufffd" },
      ]),
    );
    for (const id of ["a\0b", "\ud800", "A", "a ", ""]) {
      expect(passages.byIds([id])).toEqual([undefined]);
      expect(passages.nodesOf([id])).toEqual([undefined]);
      expect(passages.lookup([{ id, text: "one", hash: textHash("one") }]).size).toBe(0);
      expect((await database.write((tx) => passages.removeByIds(tx, [id]))).nodes).toEqual([]);
    }
    expect(passages.nodesOf(["a", "b"])).toEqual([0, undefined]);
  });
});

describe("passages", () => {
  it("come back by id, node and page with all they had", async () => {
    const { database, passages } = await opened();
    const texts = ["x", "zero \0 inside", "\ud83d\ude00 ".repeat(50), "word ".repeat(20_000), prose(3)];
    await database.write((tx) =>
      passages.insert(
        tx,
        texts.map((text, i) => passage(i * 3, text, i % 2 ? { i, __proto__: null, "k.e y": [true, null] } : undefined)),
      ),
    );
    const rows = texts.map((text, i) => ({
      node: i * 3,
      id: `id-${i * 3}`,
      text,
      metadata: i % 2 ? { i, "k.e y": [true, null] } : {},
    }));
    expect(passages.byIds(["id-6", "nobody", "id-0", "id-6"])).toEqual([rows[2], undefined, rows[0], rows[2]]);
    expect(passages.byNodes([12, 3, 4], 0)).toEqual(
      new Map([
        [12, rows[4]],
        [3, rows[1]],
      ]),
    );
    expect(passages.page(-1, 10)).toEqual(rows);
    expect(passages.page(0, 2)).toEqual(rows.slice(1, 3));
    expect(passages.page(12, 2)).toEqual([]);
    const wanted = (id: string, text: string, hash = textHash(text)) => ({ id, text, hash });
    const metadata = '{"i":1,"k.e y":[true,null]}';
    const text = "zero \0 inside";
    expect(passages.lookup([wanted("id-3", text), wanted("nobody", text)])).toEqual(
      new Map([["id-3", { node: 3, sameText: true, metadata }]]),
    );
    // Another text, and one that only has the same hash.
    for (const other of [wanted("id-3", "zero"), wanted("id-3", "zero", textHash(text))]) {
      expect(passages.lookup([other]).get("id-3")).toEqual({ node: 3, sameText: false, metadata });
    }
    expect(passages.count()).toBe(5);
  });

  it("keep the counters true through inserts and removals", async () => {
    const step = fc.record({ insert: fc.nat(40), remove: fc.array(fc.nat(120), { maxLength: 30 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), async (steps) => {
        const { database, passages } = await opened();
        const model = new Map<number, string>();
        let next = 0;
        let idBuckets = 1;
        for (const { insert, remove } of steps) {
          const fresh = Array.from({ length: insert }, (_, i) => passage(next + i, prose(next + i)));
          const gone = [...new Set(remove)].filter((node) => model.has(node));
          const removed = await database.write((tx) => {
            const result = passages.removeByIds(
              tx,
              remove.map((node) => `id-${node}`),
            );
            passages.insert(tx, fresh);
            return result;
          });
          expect(removed.nodes.sort()).toEqual(gone.sort());
          for (const node of gone) model.delete(node);
          for (const { node, text } of fresh) model.set(node, text);
          next += insert;
          idBuckets = Math.max(idBuckets, Math.ceil(model.size / 64));
        }
        const { version, ...counters } = readMeta(database.reader);
        const stored = database.reader.get<{ n: number }>("SELECT total(length(text)) AS n FROM passages")?.n;
        const rawBytes = [...model.values()].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
        expect(version).toBe(0);
        const sizes = { passages: model.size, rawBytes, textBytes: stored };
        expect(counters).toEqual({ numbering: 0, nextNode: next, idBuckets, ...sizes });
        expect(passages.page(-1, 1000).map(({ node, text }) => [node, text])).toEqual(
          [...model].sort(([a], [b]) => a - b),
        );
        await database.close();
      }),
      { seed: 6, numRuns: 10 },
    );
  });

  it("take new metadata without touching their text", async () => {
    const { database, passages } = await opened();
    await database.write((tx) => passages.insert(tx, [passage(0, prose(1), { old: 1 })]));
    await database.write((tx) => {
      expect(passages.replaceMetadata(tx, "id-0", '{"new":2}')).toBe(true);
      expect(passages.replaceMetadata(tx, "nobody", null)).toBe(false);
      expect(passages.byIds(["id-0"], tx)[0]?.metadata).toEqual({ new: 2 });
      expect(passages.byIds(["id-0"])[0]?.metadata).toEqual({ old: 1 });
    });
    expect(passages.byIds(["id-0"])[0]).toEqual({ node: 0, id: "id-0", text: prose(1), metadata: { new: 2 } });
  });

  it("refuse an id that is taken", async () => {
    const { database, passages } = await opened();
    await database.write((tx) => passages.insert(tx, [passage(0, "x")]));
    await expect(database.write((tx) => passages.insert(tx, [{ ...passage(1, "y"), id: "id-0" }]))).rejects.toThrow(
      "There is a passage id-0 already.",
    );
    expect(passages.byIds(["id-0"])[0]?.text).toBe("x");
  });

  it("name the damaged row, whichever way it is read", async () => {
    const { database, passages } = await opened();
    await database.write((tx) => passages.insert(tx, [passage(0, prose(1)), passage(1, prose(2))]));
    await database.write((tx) => tx.run("UPDATE passages SET text = (SELECT text FROM passages WHERE node = 0)"));
    const ways = [
      () => passages.byIds(["id-1"]),
      () => passages.byNodes([1], 0),
      () => passages.lookup([{ id: "id-1", text: prose(2), hash: textHash(prose(2)) }]),
      () => passages.page(0, 1),
      () => database.write((tx) => passages.replaceMetadata(tx, "id-1", null)),
      () => database.write((tx) => passages.removeByIds(tx, ["id-1"])),
    ];
    for (const way of ways) await expect(async () => way()).rejects.toThrow("Row 1 of table passages");
    expect(passages.byIds(["id-0"])[0]?.text).toBe(prose(1));
  });
});

describe("dictionaries", () => {
  /** Passages of exactly 64 bytes. */
  const exact = (first: number, count: number) =>
    Array.from({ length: count }, (_, i) =>
      passage(first + i, `number ${first + i} of many `.padEnd(64, "and so on; ")),
    );
  const dicts = (database: Database) =>
    database.reader.all("SELECT dict, count(*) AS n FROM passages GROUP BY dict ORDER BY dict");

  it("begin when 64 KB of text exist, counting the batch that brings them", async () => {
    const { database, passages } = await opened();
    await database.write((tx) => passages.insert(tx, exact(0, 1000)));
    await database.write((tx) => passages.insert(tx, exact(1000, 23)));
    expect(newestDictionary(database.reader)).toBe(0);
    expect(dicts(database)).toEqual([{ dict: 0, n: 1023 }]);
    await database.write((tx) => passages.insert(tx, exact(1023, 1)));
    await database.write((tx) => passages.insert(tx, exact(1024, 10)));
    expect(newestDictionary(database.reader)).toBe(1);
    expect(dicts(database)).toEqual([
      { dict: 0, n: 1023 },
      { dict: 1, n: 11 },
    ]);
    const again = await openDatabase(database.path);
    expect(new Passages(again).page(1020, 14).map(({ text }) => text)).toEqual(exact(1021, 13).map(({ text }) => text));
  });

  it("make text shorter", async () => {
    const { database, passages } = await opened();
    const texts = Array.from({ length: 400 }, (_, n) => passage(n, prose(n)));
    await database.write((tx) => passages.insert(tx, texts));
    const first = readMeta(database.reader);
    expect(first.rawBytes).toBeGreaterThan(65_536);
    expect(dicts(database)).toEqual([{ dict: 1, n: 400 }]);
    const without = texts.reduce((sum, { text }) => sum + Math.min(Buffer.byteLength(text), 90), 0);
    expect(first.textBytes).toBeLessThan(without * 0.6);
  });

  it("of a write that failed are forgotten, even if another writer stores a different one", async () => {
    const { database, passages } = await opened();
    const failing = database.write((tx) => {
      passages.insert(tx, exact(0, 1100));
      expect(passages.byNodesIn(tx, [1099]).get(1099)?.text).toBe(exact(1099, 1)[0]?.text);
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    const other = await openDatabase(database.path);
    const others = Array.from({ length: 900 }, (_, n) => passage(n, prose(n)));
    await other.write((tx) => new Passages(other).insert(tx, others));
    expect(passages.page(-1, 1000).map(({ text }) => text)).toEqual(others.map(({ text }) => text));
    await database.write((tx) => passages.insert(tx, exact(900, 5)));
    expect(new Passages(other).byIds(["id-904"])[0]?.text).toBe(exact(904, 1)[0]?.text);
  });
});

it("pages of long texts hold few of them, and all come in the end", async () => {
  const database = await openDatabase();
  const passages = new Passages(database);
  // A thousand to one: what is packed short is unpacked as long.
  const texts = Array.from({ length: 9 }, (_, i) => String(i).repeat(i % 3 === 0 ? 900_000 : 20));
  await database.write((tx) => {
    const version = raiseVersion(tx);
    passages.insert(
      tx,
      texts.map((text, node) => ({ node, id: `p${node}`, text, metadata: null })),
    );
    setLive(tx, 0, texts.length, version);
  });
  const found: string[] = [];
  for (let last = -1; ; ) {
    const page = passages.page(last, 64);
    if (page.length === 0) break;
    const lengths = page.map(({ text }) => text.length);
    expect(lengths.slice(0, -1).reduce((sum, length) => sum + length, 0)).toBeLessThan(2 ** 20);
    found.push(...page.map(({ text }) => text));
    last = page.at(-1)!.node;
  }
  expect(found).toEqual(texts);
});
