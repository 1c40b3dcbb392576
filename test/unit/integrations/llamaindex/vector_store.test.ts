import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type BaseNode, MetadataMode, NodeRelationship, Settings, TextNode, VectorStoreQueryMode } from "llamaindex";
import { afterEach, describe, expect, it } from "vitest";
import {
  type EmbedlessConfig,
  EmbedlessEmbedding,
  EmbedlessVectorStore,
  toEmbedder,
} from "../../../../integrations/llamaindex/index.js";
import { fakeEmbedder } from "../../../support/fake_embedder.js";
import { WordEmbedding } from "../../../support/llamaindex_embedding.js";
import { openStore, temporaryFile, texts } from "../../../support/store.js";
import { tamper } from "../../storage/temporary_store.js";

const stores: EmbedlessVectorStore[] = [];
afterEach(() => Promise.all(stores.splice(0).map((store) => store.close())));

const model = new WordEmbedding();
const make = (config: EmbedlessConfig = {}) => {
  const store = new EmbedlessVectorStore({ embedModel: model, ...config });
  stores.push(store);
  return store;
};

/** Nodes as an index hands them over: with the vectors of their texts with metadata. */
async function embedded(...nodes: TextNode[]): Promise<BaseNode[]> {
  return await model(nodes);
}

const from = (source: string, id_: string, text: string, metadata = {}) =>
  new TextNode({ id_, text, metadata, relationships: { [NodeRelationship.SOURCE]: { nodeId: source, metadata: {} } } });
const numbered = (count: number) =>
  texts(count).map((text, i) => new TextNode({ id_: `n${i}`, text, metadata: { i } }));

const ask = (queryStr: string, more: object = {}) => ({
  queryStr,
  similarityTopK: 3,
  mode: VectorStoreQueryMode.DEFAULT,
  ...more,
});
const idsOf = async (store: EmbedlessVectorStore, more: object = {}) =>
  (await store.query(ask("hens and owls", { similarityTopK: 100, ...more }))).ids.sort();

describe("add", () => {
  it("returns the ids in order, keeps the embedded text, and replaces", async () => {
    const store = make();
    const nodes = await embedded(from("d", "b", "a hen", { n: 1 }), from("d", "a", "an owl", { n: 2 }));
    expect(await store.add(nodes)).toEqual(["b", "a"]);
    const core = await store.store();
    expect((await core.get(["b", "a"])).map((passage) => passage?.text)).toEqual(["n: 1\n\na hen", "n: 2\n\nan owl"]);
    await store.add(await embedded(from("d", "a", "a shark", { n: 3 })));
    expect(await core.count()).toBe(2);
    const { nodes: found } = await store.query(ask("shark", { similarityTopK: 1 }));
    expect(found![0]!.toJSON()).toMatchObject({ id_: "a", text: "a shark", metadata: { n: 3 } });
  });

  it("of nodes with the same id the last one stays", async () => {
    const store = make();
    const nodes = await embedded(from("d", "a", "a hen"), from("d", "b", "an owl"), from("d", "a", "a shark"));
    expect(await store.add(nodes)).toEqual(["a", "b", "a"]);
    expect((await (await store.store()).get(["a"]))[0]?.text).toBe("a shark");
  });

  it("embeds again one text a shape and one in 64, not all", async () => {
    const store = make();
    // The first passages of a store, and the proof of its model, cost something once.
    const core = await store.store();
    for (const text of ["before", "all else"]) await core.add([{ id: "first", text }]);
    for (const count of [63, 64, 65, 130]) {
      const nodes = numbered(count).map((node) => Object.assign(node, { id_: `${count}-${node.id_}` }));
      await embedded(...nodes);
      const before = model.fake.documents;
      await store.add(nodes);
      expect(model.fake.documents - before, `${count} nodes`).toBe(1 + Math.ceil(count / 64));
    }
    expect(await core.count()).toBe(63 + 64 + 65 + 130 + 1);
  });

  it("embeds nodes that have no embedding", async () => {
    const store = make();
    await store.add([from("d", "a", "a hen", { n: 1 }), ...(await embedded(from("d", "b", "an owl")))]);
    const { similarities, ids } = await store.query(ask("n: 1 a hen", { similarityTopK: 1 }));
    expect([ids, similarities[0]! > 0.9]).toEqual([["a"], true]);
  });

  it("takes nothing, an empty array, and only arrays", async () => {
    const store = make();
    expect(await store.add([])).toEqual([]);
    await expect(store.add(undefined as never)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(await (await store.store()).count()).toBe(0);
  });

  it.each([
    [
      "a vector of another text",
      async (node: TextNode) => Object.assign(node, { embedding: await model.getTextEmbedding("x") }),
    ],
    ["a vector of another length", async (node: TextNode) => Object.assign(node, { embedding: [1, 0] })],
    ["nothing to embed", async () => new TextNode({ text: "  " })],
    ["metadata that are no JSON", async (node: TextNode) => Object.assign(node, { metadata: { n: 1n } })],
    ["an id that is none", async (node: TextNode) => Object.assign(node, { id_: "" })],
  ])("%s leaves the store as it was", async (_, spoil) => {
    const store = make();
    await store.add(await embedded(from("d", "a", "a hen", { n: 1 })));
    const good = await embedded(from("d", "a", "a hen that changed", { n: 1 }), from("d", "b", "an owl", { n: 1 }));
    const bad = await spoil((await embedded(from("d", "c", "a shark", { m: 1 })))[0] as TextNode);
    await expect(store.add([...good, bad])).rejects.toMatchObject({ code: expect.stringMatching(/^INVALID_/) });
    expect(await idsOf(store)).toEqual(["a"]);
    expect((await (await store.store()).get(["a"]))[0]?.text).toBe("n: 1\n\na hen");
  });

  it("keeps vectors of no text in a store that keeps vectors", async () => {
    const store = make({ vectors: "float32" });
    const node = from("d", "a", "a picture of a hen", { n: 1 });
    node.embedding = await model.getTextEmbedding("violin");
    await store.add([node, ...(await embedded(from("d", "b", "an owl", { n: 2 })))]);
    const { ids, similarities } = await store.query(ask("violin", { similarityTopK: 1 }));
    expect([ids, similarities[0]! > 0.99]).toEqual([["a"], true]);
    expect((await (await store.store()).get(["a"]))[0]?.text).toBe("n: 1\n\na picture of a hen");
  });

  it("stops and tells how far it is", async () => {
    const store = make();
    const nodes = await embedded(...numbered(10));
    const seen: number[] = [];
    await store.add(nodes, { onProgress: ({ done }) => seen.push(done) });
    expect(seen.at(-1)).toBe(10);
    const stopped = store.add(await embedded(from("d", "x", "late")), { signal: AbortSignal.abort() });
    await expect(stopped).rejects.toMatchObject({ code: "ABORTED" });
    expect(await (await store.store()).has(["x"])).toEqual([false]);
  });
});

describe("delete", () => {
  const fill = async () => {
    const store = make();
    await store.add(
      await embedded(
        from("hens", "a", "a hen"),
        from("hens", "b", "an egg"),
        from("owls", "hens", "an owl whose id is a source of others"),
        new TextNode({ id_: "alone", text: "a shark" }),
        from("x.y", "c", "a bee"),
      ),
    );
    return store;
  };

  it.each([
    ["hens", ["alone", "c", "hens"]],
    ["owls", ["a", "alone", "b", "c"]],
    ["alone", ["a", "b", "c", "hens"]],
    ["a", ["a", "alone", "b", "c", "hens"]],
    ["x.y", ["a", "alone", "b", "hens"]],
    ["nobody", ["a", "alone", "b", "c", "hens"]],
    ["", ["a", "alone", "b", "c", "hens"]],
    ["\0", ["a", "alone", "b", "c", "hens"]],
  ])("%j", async (id, left) => {
    const store = await fill();
    await store.delete(id);
    expect(await idsOf(store)).toEqual(left);
  });

  it("finds sources by an index of its own", async () => {
    const path = await temporaryFile();
    const store = make({ path, filterable: ["year"] });
    await store.add(await embedded(from("hens", "a", "a hen", { year: 2020 })));
    await store.close();
    const names = "SELECT sql FROM sqlite_schema WHERE name LIKE 'passages_by_%' ORDER BY sql";
    const made = tamper(path, (raw) => raw.prepare(names).all()) as { sql: string }[];
    expect(made.map(({ sql }) => /source|year/.exec(sql)?.[0])).toEqual(["year", "source"]);
  });

  it("takes an id only", async () => {
    await expect(make().delete(undefined as never)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("query", () => {
  const fill = async (config: EmbedlessConfig = {}) => {
    const store = make(config);
    await store.add(
      await embedded(
        from("birds", "hen", "hens lay eggs on the farm", { kind: "bird" }),
        from("birds", "hens", "hens lay eggs on the farm daily", { kind: "bird" }),
        from("birds", "owl", "owls hunt mice on the farm", { kind: "bird" }),
        from("fish", "shark", "sharks swim in the sea", { kind: "fish" }),
      ),
    );
    return store;
  };

  it("gives cosines, best first, and no more than there are", async () => {
    const store = await fill();
    const { ids, similarities, nodes } = await store.query(ask("hens lay eggs", { similarityTopK: 10 }));
    expect(ids).toHaveLength(4);
    expect(ids.slice(0, 2).sort()).toEqual(["hen", "hens"]);
    expect(similarities).toEqual([...similarities].sort((a, b) => b - a));
    const q = await model.getTextEmbedding("hens lay eggs");
    const p = await model.getTextEmbedding(nodes![0]!.getContent(MetadataMode.EMBED));
    expect(similarities[0]).toBeCloseTo(model.similarity(q, p), 5);
    expect(nodes!.map(({ id_ }) => id_)).toEqual(ids);
  });

  it.each([0, -1])("of %i gives none", async (similarityTopK) => {
    const store = await fill();
    expect(await store.query(ask("hens", { similarityTopK }))).toEqual({ nodes: [], similarities: [], ids: [] });
  });

  it("of more than the core gives at once gives all", async () => {
    const store = await fill();
    expect((await store.query(ask("hens", { similarityTopK: 1_000_000 }))).ids).toHaveLength(4);
    expect((await store.query({ queryStr: "hens" } as never)).ids).toHaveLength(2);
  });

  it("of an empty store gives none", async () => {
    expect((await make().query(ask("hens"))).ids).toEqual([]);
  });

  it("embeds the question with the store's model, whatever vector came along", async () => {
    const store = await fill();
    const queryEmbedding = await new WordEmbedding("other", 2).getTextEmbedding("sharks swim in the sea");
    expect((await store.query(ask("sharks swim", { queryEmbedding }))).ids[0]).toBe("shark");
    const given = await fill({ queryEmbedding: "given" });
    const owl = await model.getTextEmbedding("owls hunt mice");
    const before = model.fake.queries;
    expect((await given.query(ask("sharks swim", { queryEmbedding: owl }))).ids[0]).toBe("owl");
    expect(model.fake.queries).toBe(before);
    // Without one of the two the other is taken.
    expect((await given.query(ask("sharks swim"))).ids[0]).toBe("shark");
    expect((await store.query(ask("", { queryEmbedding: owl }))).ids[0]).toBe("owl");
    await expect(store.query(ask(" "))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("filters before the cut", async () => {
    const store = await fill();
    const filters = { filters: [{ key: "kind", operator: "==" as const, value: "fish" }] };
    expect((await store.query(ask("hens lay eggs", { similarityTopK: 1, filters }))).ids).toEqual(["shark"]);
  });

  it.each([
    [["fish"], ["shark"]],
    [["owl"], ["owl"]],
    [
      ["owl", "fish"],
      ["owl", "shark"],
    ],
    [["birds"], ["hen", "hens", "owl"]],
    [["nothing"], []],
    [["\0"], []],
    [[], []],
  ])("docIds %j", async (docIds, ids) => {
    const store = await fill();
    expect(await idsOf(store, { docIds })).toEqual(ids);
    const filters = { filters: [{ key: "kind", operator: "text_match" as const, value: "ir" }] };
    const birds = ids.filter((id) => id !== "shark");
    expect(await idsOf(store, { docIds, filters })).toEqual(birds);
    filters.filters[0]!.operator = "!=" as never;
    filters.filters[0]!.value = "fish";
    expect(await idsOf(store, { docIds, filters })).toEqual(birds);
  });

  it("docIds by the thousand", async () => {
    const store = await fill();
    for (const count of [999, 1000, 1001]) {
      const docIds = ["fish", ...Array.from({ length: count - 1 }, (_, i) => `d${i}`)];
      expect(await idsOf(store, { docIds }), `${count} ids`).toEqual(["shark"]);
    }
    await expect(idsOf(store, { docIds: [1] })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("MMR: by nearness alone, by both, by difference alone; with true similarities", async () => {
    const store = await fill();
    const mmr = async (mmrThreshold?: number) =>
      await store.query(ask("hens lay eggs", { mode: VectorStoreQueryMode.MMR, similarityTopK: 2, mmrThreshold }));
    const plain = await store.query(ask("hens lay eggs", { similarityTopK: 4 }));
    expect((await mmr(1)).ids).toEqual(plain.ids.slice(0, 2));
    const apart = await mmr(0);
    expect(apart.ids).toEqual([plain.ids[0], "shark"]);
    expect(apart.similarities[1]).toBeCloseTo(plain.similarities[plain.ids.indexOf("shark")]!, 6);
    expect((await mmr()).ids[1]).not.toBe(plain.ids[1]);
    await expect(mmr(2)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("HYBRID and SPARSE: by words, by both, by meaning", async () => {
    const store = await fill({ keywords: true });
    await store.add(await embedded(from("codes", "code", "error XJ-4711 in line 3")));
    const hybrid = async (alpha?: number) =>
      await store.query(ask("XJ-4711 hens", { mode: VectorStoreQueryMode.HYBRID, alpha }));
    const sparse = await store.query(ask("XJ-4711", { mode: VectorStoreQueryMode.SPARSE }));
    expect(sparse.ids).toEqual(["code"]);
    const words = (await store.query(ask("XJ-4711 hens", { mode: VectorStoreQueryMode.SPARSE }))).similarities;
    expect((await hybrid(0)).similarities).toEqual(words);
    expect((await hybrid(1)).similarities).toEqual((await store.query(ask("XJ-4711 hens"))).similarities);
    expect((await hybrid(0.5)).similarities).toEqual((await hybrid()).similarities);
    expect((await hybrid()).ids).toContain("code");
    await expect(hybrid(1.5)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    const queryEmbedding = await model.getTextEmbedding("hens");
    const wordless = store.query(ask("", { mode: VectorStoreQueryMode.SPARSE, queryEmbedding }));
    await expect(wordless).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("without words kept, says how to have them", async () => {
    const store = await fill();
    const query = store.query(ask("hens", { mode: VectorStoreQueryMode.HYBRID }));
    await expect(query).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("keywords: true"),
    });
  });

  it.each(["svm", "logistic_regression", "linear_regression", "semantic_hybrid", "nonsense"])(
    "mode %s is refused",
    async (mode) => {
      await expect(make().query(ask("hens", { mode }))).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
        message: expect.stringContaining(mode),
      });
    },
  );

  it("stops", async () => {
    const store = await fill();
    await expect(store.query(ask("hens"), { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "ABORTED" });
  });
});

describe("where it is", () => {
  it("a private temporary file, a file, a folder, an open store", async () => {
    const temporary = make();
    expect((await temporary.store()).path).toMatch(/embedless\.db$/);
    const path = await temporaryFile();
    expect((await make({ path }).store()).path).toBe(path);
    expect((await make({ path: dirname(path) }).store()).path).toBe(join(dirname(path), "embedless.db"));
    const core = await openStore(await temporaryFile(), { embedder: fakeEmbedder() });
    const wrapped = new EmbedlessVectorStore({ store: core, embedModel: new EmbedlessEmbedding(fakeEmbedder()) });
    expect(wrapped.client()).toBe(core);
    await wrapped.close();
    expect(await core.count()).toBe(0);
    expect(() => wrapped.client()).toThrow(expect.objectContaining({ code: "CLOSED" }));
  });

  it("shows the core store once it is open", async () => {
    const store = make();
    expect(() => store.client()).toThrow(
      expect.objectContaining({ code: "CLOSED", message: expect.stringContaining("store()") }),
    );
    await store.add([]);
    expect(store.client()).toBe(await store.store());
    await store.close();
    expect(() => store.client()).toThrow(expect.objectContaining({ code: "CLOSED" }));
    await expect(store.query(ask("hens"))).rejects.toMatchObject({ code: "CLOSED" });
    await store.close();
  });

  it("refuses a store of another metric or model, and an unknown option", async () => {
    const l2 = await openStore(await temporaryFile(), { embedder: fakeEmbedder(), metric: "l2" });
    expect(() => make({ store: l2 })).toThrow(expect.objectContaining({ code: "METRIC_MISMATCH" }));
    const other = await openStore(await temporaryFile(), { embedder: fakeEmbedder() });
    expect(() => make({ store: other })).toThrow(expect.objectContaining({ code: "MODEL_MISMATCH" }));
    expect(() => make({ queryEmbedding: "both" as never })).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
    const path = await temporaryFile();
    await expect(make({ path, colour: "red" } as never).store()).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("takes its model from the settings, as all stores do", async () => {
    const outer = Settings.withEmbedModel(model, () => new EmbedlessVectorStore());
    stores.push(outer);
    expect(outer.embedModel).toBe(model);
    expect(new EmbedlessVectorStore({ embeddingModel: model }).embedModel).toBe(model);
  });
});

describe("persist", () => {
  it("copies the store to a file or a folder, again and again", async () => {
    const store = make();
    await store.add(await embedded(from("d", "a", "a hen", { n: 1 })));
    const file = join(dirname(await temporaryFile()), "deep", "copy.db");
    await store.persist(file);
    await store.add(await embedded(from("d", "b", "an owl", { n: 2 })));
    await store.persist(file);
    await store.persist(dirname(file));
    for (const at of [file, dirname(file)]) {
      const copy = await EmbedlessVectorStore.fromPersistDir(at, { embedModel: model });
      stores.push(copy);
      expect(await idsOf(copy)).toEqual(["a", "b"]);
    }
    expect(await idsOf(store)).toEqual(["a", "b"]);
  });

  it("has nothing to do for its own file", async () => {
    const path = await temporaryFile();
    const store = make({ path });
    await store.add(await embedded(from("d", "a", "a hen")));
    await store.persist();
    await store.persist(path);
    // Another process would see it.
    const reader = await openStore(path, { embedder: toEmbedder(model), readOnly: true });
    expect((await reader.get(["a"]))[0]?.text).toBe("a hen");
  });

  it("opens only what is there, with the model that made it", async () => {
    const folder = dirname(await temporaryFile());
    await expect(EmbedlessVectorStore.fromPersistDir(folder, { embedModel: model })).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
    const store = make();
    await store.add(await embedded(from("d", "a", "a hen")));
    await store.persist(folder);
    const other = new WordEmbedding("words-2");
    await expect(EmbedlessVectorStore.fromPersistDir(folder, { embedModel: other })).rejects.toMatchObject({
      code: "MODEL_MISMATCH",
    });
    await writeFile(join(folder, "embedless.db"), "not a store, though long enough to be one ".repeat(20));
    await expect(EmbedlessVectorStore.fromPersistDir(folder, { embedModel: model })).rejects.toMatchObject({
      code: "NOT_A_STORE",
    });
  });
});
