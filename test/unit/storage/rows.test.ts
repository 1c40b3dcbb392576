import { describe, expect, it } from "vitest";
import { getDictionary, newestDictionary, putDictionary } from "../../../src/storage/dictionaries.js";
import { checksum } from "../../../src/storage/integrity.js";
import { addToCounters, raiseNumbering, raiseVersion, readMeta, writeMeta } from "../../../src/storage/meta.js";
import { type Canary, getCanaries, getCodebook, putCanaries, putCodebook } from "../../../src/storage/model_rows.js";
import { addPending, clearPending, countPending, readPending } from "../../../src/storage/vectors.js";
import { codeOf, openDatabase } from "./temporary_store.js";

describe("checksum", () => {
  it("covers table, every cell, its type and every byte, and keeps cells apart", () => {
    const blob = Uint8Array.of(1, 2, 3);
    const variants = [
      checksum({ salt: 0 }, "a", 1, "x", blob, null),
      checksum({ salt: 0 }, "b", 1, "x", blob, null),
      checksum({ salt: 0 }, "a", 2, "x", blob, null),
      checksum({ salt: 0 }, "a", "1", "x", blob, null),
      checksum({ salt: 0 }, "a", 1, "", blob, null),
      checksum({ salt: 0 }, "a", 1, "x", Uint8Array.of(1, 2), null),
      checksum({ salt: 0 }, "a", 1, "x", Uint8Array.of(1, 2, 4), null),
      checksum({ salt: 0 }, "a", 1, "x", blob, new Uint8Array()),
      checksum({ salt: 0 }, "a", 1, "x", Uint8Array.of(1, 2), Uint8Array.of(3)),
      checksum({ salt: 0 }, "a", 1, "x", Uint8Array.of(1), Uint8Array.of(2, 3)),
      checksum({ salt: 0 }, "a", 1, "x", new Uint8Array(), blob),
    ];
    expect(new Set(variants).size).toBe(variants.length);
  });

  it("does not lose what came before an empty blob", () => {
    expect(checksum({ salt: 0 }, "a", 1, new Uint8Array())).not.toBe(checksum({ salt: 0 }, "a", 2, new Uint8Array()));
    expect(checksum({ salt: 0 }, "a", 1, new Uint8Array())).not.toBe(0);
  });
});

describe("meta", () => {
  it("starts with counters of 0 and no settings", async () => {
    const { reader } = await openDatabase();
    const counters = { version: 0, numbering: 0, nextNode: 0, passages: 0, rawBytes: 0, textBytes: 0 };
    expect(readMeta(reader)).toEqual({ ...counters, idBuckets: 1 });
  });

  it("keeps what is written and leaves the rest", async () => {
    const database = await openDatabase();
    const embedder = { id: "m@1", source: { kind: "onnx", folder: "a\0b ✓" } };
    const codebook = { sha256: "0f".repeat(32), kind: "own" } as const;
    await database.write((tx) => writeMeta(tx, { metric: "ip", dims: 384, embedder, codebook, nextNode: 7 }));
    await database.write((tx) => {
      expect(raiseVersion(tx)).toBe(1);
      expect(raiseVersion(tx)).toBe(2);
      addToCounters(tx, { passages: 3, nextNode: -2 });
      writeMeta(tx, { metric: undefined, dims: 3 });
    });
    const counters = { version: 2, numbering: 0, nextNode: 5, passages: 3, rawBytes: 0, textBytes: 0 };
    expect(readMeta(database.reader)).toEqual({ ...counters, idBuckets: 1, metric: "ip", dims: 3, embedder, codebook });
  });

  const COUNTERS = ["version", "nextNode", "idBuckets", "passages", "rawBytes"];

  it("a counter that was too low is CORRUPT once something is taken away, and stays as it was", async () => {
    const database = await openDatabase();
    for (const key of ["passages", "rawBytes", "textBytes", "nextNode"] as const) {
      const written = database.write((tx) => addToCounters(tx, { [key]: -925 }));
      await expect(written).rejects.toMatchObject({ code: "CORRUPT", message: expect.stringContaining(`"${key}"`) });
    }
    expect(readMeta(database.reader)).toMatchObject({ passages: 0, rawBytes: 0, nextNode: 0 });
    await database.write((tx) => writeMeta(tx, { version: 2 ** 48, numbering: 2 ** 48 }));
    expect(await codeOf(() => database.write((tx) => raiseVersion(tx)))).toBe("CORRUPT");
    expect(await codeOf(() => database.write((tx) => raiseNumbering(tx)))).toBe("CORRUPT");
  });

  it("never writes or believes an impossible value", async () => {
    const database = await openDatabase();
    await database.write((tx) => {
      expect(() => writeMeta(tx, { dims: 0 })).toThrow(TypeError);
    });
    const plant = (key: string, json: string) =>
      database.write((tx) =>
        tx.run("INSERT OR REPLACE INTO meta VALUES (?, ?, ?)", key, json, checksum(tx, "meta", key, json)),
      );
    for (const [key, json] of [
      ["metric", '"dot"'],
      ["dims", "-3"],
      ["passages", "1.5"],
      ["codebook", "{}"],
      ["dims", "{"],
      ["other", "1"],
      ["passages", "1"],
      ["passages", "4294967296"],
      ["nextNode", "4294967296"],
      ["nextNode", "10000000000"],
      ["idBuckets", "1e12"],
      ["idBuckets", "0"],
      ["version", "9007199254740991"],
      ["numbering", "9007199254740991"],
      ["rawBytes", "9007199254740991"],
      ["dims", "1000000"],
      ["graph", '{"version":1,"nodes":1,"passages":1,"blocks":2}'],
      ["graph", '{"version":1,"nodes":0,"passages":1,"blocks":2}'],
    ]) {
      await plant(String(key), String(json));
      expect(await codeOf(() => readMeta(database.reader))).toBe("CORRUPT");
      await database.write((tx) => tx.run("DELETE FROM meta WHERE key = ?", String(key)));
      if (COUNTERS.includes(String(key))) await plant(String(key), key === "idBuckets" ? "1" : "0");
    }
    expect(await codeOf(() => readMeta(database.reader))).toBe("none");
    await database.write((tx) => tx.run("DELETE FROM meta WHERE key = 'version'"));
    await expect(async () => readMeta(database.reader)).rejects.toThrow('Row "version" of table meta is missing');
  });
});

describe("pending", () => {
  const rows = (first: number, count: number) =>
    Uint8Array.from({ length: count * 3 }, (_, i) => (first * 3 + i) & 255);

  it.each([0, 1, 511, 512, 513, 1025])("gives %d rows back in order", async (n) => {
    const database = await openDatabase();
    await database.write((tx) => {
      addPending(tx, 0, 3, rows(0, Math.floor(n / 2)));
      addPending(tx, Math.floor(n / 2), 3, rows(Math.floor(n / 2), n - Math.floor(n / 2)));
    });
    expect(countPending(database.reader)).toBe(n);
    for (const since of [0, 1, n]) {
      let node = since;
      const all: number[] = [];
      for (const piece of readPending(database.reader, since, 3)) {
        expect(piece.firstNode).toBe(node);
        all.push(...piece.rows);
        node += piece.rows.length / 3;
      }
      expect(all).toEqual([...rows(since, Math.max(n - since, 0))]);
    }
    await database.write(clearPending);
    expect(countPending(database.reader)).toBe(0);
  });

  it("notices missing rows and other lengths", async () => {
    const database = await openDatabase();
    await database.write((tx) => addPending(tx, 0, 3, rows(0, 5)));
    expect(await codeOf(() => [...readPending(database.reader, 0, 4)])).toBe("CORRUPT");
    await database.write((tx) => tx.run("DELETE FROM pending WHERE node = 2"));
    await expect(async () => [...readPending(database.reader, 0, 3)]).rejects.toThrow(
      "Row 2 of table pending is missing",
    );
  });
});

describe("codebooks, canaries, dictionaries", () => {
  it("finds a codebook by its sha256", async () => {
    const database = await openDatabase();
    const bytes = Uint8Array.from({ length: 40_000 }, (_, i) => i & 255);
    const sha256 = await database.write((tx) => putCodebook(tx, bytes));
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(getCodebook(database.reader, sha256)).toEqual(bytes);
    expect(getCodebook(database.reader, "00".repeat(32))).toBeUndefined();
  });

  it("keeps up to 8 canaries exactly", async () => {
    const database = await openDatabase();
    const canary = (n: number): Canary => ({ text: `text ${n} \0 ✓`, vector: Float32Array.of(n, -0, 1e-30, n / 3) });
    const canaries = Array.from({ length: 8 }, (_, n) => canary(n));
    const shared = new Float32Array(10).map((_, i) => i);
    await database.write((tx) => putCanaries(tx, [{ text: "x", vector: shared.subarray(2, 5) }]));
    expect(getCanaries(database.reader)).toEqual([{ text: "x", vector: Float32Array.of(2, 3, 4) }]);
    await database.write((tx) => putCanaries(tx, canaries));
    expect(getCanaries(database.reader)).toEqual(canaries);
    expect(() => putCanaries({} as never, [...canaries, canary(9)])).toThrow(RangeError);
  });

  it("numbers dictionaries from 1", async () => {
    const database = await openDatabase();
    expect(newestDictionary(database.reader)).toBe(0);
    const bytes = Buffer.alloc(32_768, "abcdefg");
    expect(await database.write((tx) => putDictionary(tx, bytes))).toBe(1);
    expect(await database.write((tx) => putDictionary(tx, Buffer.from("b")))).toBe(2);
    expect(getDictionary(database.reader, 1)).toEqual(bytes);
    expect(newestDictionary(database.reader)).toBe(2);
    expect(await codeOf(() => getDictionary(database.reader, 3))).toBe("CORRUPT");
  });
});
