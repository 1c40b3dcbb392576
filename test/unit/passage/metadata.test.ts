import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_METADATA_BYTES, metadataFromJson, metadataToJson } from "../../../src/passage/metadata.js";
import { codeOf } from "../storage/temporary_store.js";

const nested = (levels: number): unknown => (levels === 1 ? {} : { a: nested(levels - 1) });

describe("metadata", () => {
  it("gives back any JSON object", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 })), (metadata) => {
        const json = metadataToJson(metadata);
        expect(JSON.stringify(metadataFromJson(json))).toBe(JSON.stringify(metadata));
        expect(json === null).toBe(Object.keys(metadata).length === 0);
      }),
      { seed: 5 },
    );
  });

  it("takes keys of prototypes as data", () => {
    const hostile = JSON.parse(
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"toString":"x"}',
    );
    const back = metadataFromJson(metadataToJson(hostile));
    expect(Object.keys(back)).toEqual(["__proto__", "constructor", "toString"]);
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    expect((back as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it("drops undefined properties, and takes objects of other realms and without a prototype", () => {
    expect(metadataToJson(undefined)).toBeNull();
    expect(metadataToJson({ a: undefined })).toBeNull();
    expect(metadataToJson({ a: undefined, b: [null, { c: undefined }] })).toBe('{"b":[null,{}]}');
    expect(metadataToJson(runInNewContext("({ a: [{ b: 1 }] })"))).toBe('{"a":[{"b":1}]}');
    expect(metadataToJson(Object.assign(Object.create(null), { a: 1 }))).toBe('{"a":1}');
    const shared = { x: 1 };
    expect(metadataToJson({ a: shared, b: shared })).toBe('{"a":{"x":1},"b":{"x":1}}');
  });

  it("reads every property once", () => {
    let reads = 0;
    const metadata = {
      get a() {
        return reads++ === 0 ? 1 : () => 1;
      },
    };
    expect(metadataToJson(metadata)).toBe('{"a":1}');
    expect(reads).toBe(1);
  });

  const cyclic: Record<string, unknown> = { list: [] };
  (cyclic["list"] as unknown[]).push({ cyclic });
  class Page {
    n = 1;
  }
  it.each([
    [null, "metadata"],
    [[], "metadata"],
    ["x", "metadata"],
    [new Date(0), "metadata"],
    [{ a: { "b c": [1, 2n] } }, 'metadata.a["b c"][1]'],
    [{ a: () => 1 }, "metadata.a"],
    [{ a: Symbol("s") }, "metadata.a"],
    [{ a: Number.NaN }, "metadata.a"],
    [{ a: [Number.POSITIVE_INFINITY] }, "metadata.a[0]"],
    [{ a: [undefined] }, "metadata.a[0]"],
    [{ a: new Date(0) }, "metadata.a"],
    [{ a: new Map() }, "metadata.a"],
    [{ a: new Page() }, "metadata.a"],
    [{ a: new Uint8Array(2) }, "metadata.a"],
    [cyclic, "metadata.list[0].cyclic"],
  ])("refuses what JSON cannot hold, naming its path: %#", async (metadata, path) => {
    expect(await codeOf(() => metadataToJson(metadata))).toBe("INVALID_ARGUMENT");
    expect(() => metadataToJson(metadata)).toThrow(`for ${path},`);
  });

  it("limits depth and size", async () => {
    expect(metadataToJson(nested(32))).not.toBeNull();
    expect(await codeOf(() => metadataToJson(nested(33)))).toBe("LIMIT");
    const text = "x".repeat(MAX_METADATA_BYTES - '{"a":""}'.length);
    expect(metadataToJson({ a: text })).toHaveLength(MAX_METADATA_BYTES);
    expect(await codeOf(() => metadataToJson({ a: `${text}x` }))).toBe("LIMIT");
    expect(await codeOf(() => metadataToJson({ a: `${text.slice(1)}é` }))).toBe("LIMIT");
  });
});
