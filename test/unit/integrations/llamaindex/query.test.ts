import { MetadataMode, VectorStoreQueryMode } from "llamaindex";
import { describe, expect, it } from "vitest";
import type { EmbedlessConfig } from "../../../../integrations/llamaindex/index.js";
import { WordEmbedding } from "../../../support/llamaindex_embedding.js";
import { asking, embedded, idsIn, model, nodeOf, nodeStore } from "../../../support/llamaindex_store.js";

describe("query", () => {
  const fill = async (config: EmbedlessConfig = {}) => {
    const store = nodeStore(config);
    await store.add(
      await embedded(
        nodeOf("birds", "hen", "hens lay eggs on the farm", { kind: "bird" }),
        nodeOf("birds", "hens", "hens lay eggs on the farm daily", { kind: "bird" }),
        nodeOf("birds", "owl", "owls hunt mice on the farm", { kind: "bird" }),
        nodeOf("fish", "shark", "sharks swim in the sea", { kind: "fish" }),
      ),
    );
    return store;
  };

  it("gives cosines, best first, and no more than there are", async () => {
    const store = await fill();
    const { ids, similarities, nodes } = await store.query(asking("hens lay eggs", { similarityTopK: 10 }));
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
    expect(await store.query(asking("hens", { similarityTopK }))).toEqual({ nodes: [], similarities: [], ids: [] });
  });

  it("of more than the core gives at once gives all", async () => {
    const store = await fill();
    expect((await store.query(asking("hens", { similarityTopK: 1_000_000 }))).ids).toHaveLength(4);
    expect((await store.query({ queryStr: "hens" } as never)).ids).toHaveLength(2);
  });

  it("of an empty store gives none", async () => {
    expect((await nodeStore().query(asking("hens"))).ids).toEqual([]);
  });

  it("embeds the question with the store's model, whatever vector came along", async () => {
    const store = await fill();
    const queryEmbedding = await new WordEmbedding("other", 2).getTextEmbedding("sharks swim in the sea");
    expect((await store.query(asking("sharks swim", { queryEmbedding }))).ids[0]).toBe("shark");
    const given = await fill({ queryEmbedding: "given" });
    const owl = await model.getTextEmbedding("owls hunt mice");
    const before = model.fake.queries;
    expect((await given.query(asking("sharks swim", { queryEmbedding: owl }))).ids[0]).toBe("owl");
    expect(model.fake.queries).toBe(before);
    // Without one of the two the other is taken.
    expect((await given.query(asking("sharks swim"))).ids[0]).toBe("shark");
    expect((await store.query(asking("", { queryEmbedding: owl }))).ids[0]).toBe("owl");
  });

  it("without words finds nothing, and is refused without any question", async () => {
    const store = await fill({ keywords: true });
    for (const mode of ["default", "mmr", "hybrid", "sparse"]) {
      const asked = { mode, filters: { filters: [{ key: "kind", operator: "==" as const, value: "fish" }] } };
      expect(await store.query(asking(" ", asked))).toEqual({ nodes: [], similarities: [], ids: [] });
      for (const queryStr of [undefined, null, 5]) {
        const query = store.query({ ...asking("", asked), queryStr } as never);
        await expect(query, mode).rejects.toMatchObject({
          code: "INVALID_ARGUMENT",
          message: expect.stringContaining("queryStr"),
        });
      }
      const wrong = store.query(asking("", { mode, filters: { filters: [{ key: "a", operator: "like", value: 1 }] } }));
      await expect(wrong, mode).rejects.toMatchObject({ code: "INVALID_FILTER" });
    }
  });

  it.each<EmbedlessConfig>([{}, { vectors: "float32" }, { vectors: "float16", codes: "none" }])(
    "gives each node the vector that it was ranked by: %j",
    async (config) => {
      const store = await fill({ ...config, keywords: true } as EmbedlessConfig);
      for (const mode of ["default", "mmr"]) {
        const { nodes, similarities } = await store.query(asking("hens lay eggs", { mode }));
        const q = await model.getTextEmbedding("hens lay eggs");
        for (const [i, node] of nodes!.entries()) {
          expect(model.similarity(q, node.getEmbedding())).toBeCloseTo(similarities[i]!, 3);
        }
        expect(await store.add(nodes!)).toHaveLength(3);
      }
      const { nodes } = await store.query(asking("eggs", { mode: VectorStoreQueryMode.SPARSE }));
      expect(nodes!.map(({ embedding }) => embedding)).toEqual([undefined, undefined]);
    },
  );

  it("gives no vector where an estimate ranked a node", async () => {
    const store = await fill({ recompute: 0 });
    const { nodes } = await store.query(asking("hens lay eggs"));
    expect(nodes!.map(({ embedding }) => embedding)).toEqual([undefined, undefined, undefined]);
  });

  it("filters before the cut", async () => {
    const store = await fill();
    const filters = { filters: [{ key: "kind", operator: "==" as const, value: "fish" }] };
    expect((await store.query(asking("hens lay eggs", { similarityTopK: 1, filters }))).ids).toEqual(["shark"]);
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
    expect(await idsIn(store, { docIds })).toEqual(ids);
    const filters = { filters: [{ key: "kind", operator: "text_match" as const, value: "ir" }] };
    const birds = ids.filter((id) => id !== "shark");
    expect(await idsIn(store, { docIds, filters })).toEqual(birds);
    filters.filters[0]!.operator = "!=" as never;
    filters.filters[0]!.value = "fish";
    expect(await idsIn(store, { docIds, filters })).toEqual(birds);
  });

  it("docIds by the thousand", async () => {
    const store = await fill();
    for (const count of [999, 1000, 1001]) {
      const docIds = ["fish", ...Array.from({ length: count - 1 }, (_, i) => `d${i}`)];
      expect(await idsIn(store, { docIds }), `${count} ids`).toEqual(["shark"]);
    }
    await expect(idsIn(store, { docIds: [1] })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("MMR: by nearness alone, by both, by difference alone; with true similarities", async () => {
    const store = await fill();
    const mmr = async (mmrThreshold?: number) =>
      await store.query(asking("hens lay eggs", { mode: VectorStoreQueryMode.MMR, similarityTopK: 2, mmrThreshold }));
    const plain = await store.query(asking("hens lay eggs", { similarityTopK: 4 }));
    expect((await mmr(1)).ids).toEqual(plain.ids.slice(0, 2));
    const apart = await mmr(0);
    expect(apart.ids).toEqual([plain.ids[0], "shark"]);
    expect(apart.similarities[1]).toBeCloseTo(plain.similarities[plain.ids.indexOf("shark")]!, 6);
    expect((await mmr()).ids[1]).not.toBe(plain.ids[1]);
    await expect(mmr(2)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("HYBRID and SPARSE: by words, by both, by meaning", async () => {
    const store = await fill({ keywords: true });
    await store.add(await embedded(nodeOf("codes", "code", "error XJ-4711 in line 3")));
    const hybrid = async (alpha?: number) =>
      await store.query(asking("XJ-4711 hens", { mode: VectorStoreQueryMode.HYBRID, alpha }));
    const sparse = await store.query(asking("XJ-4711", { mode: VectorStoreQueryMode.SPARSE }));
    expect(sparse.ids).toEqual(["code"]);
    const words = (await store.query(asking("XJ-4711 hens", { mode: VectorStoreQueryMode.SPARSE }))).similarities;
    expect((await hybrid(0)).similarities).toEqual(words);
    expect((await hybrid(1)).similarities).toEqual((await store.query(asking("XJ-4711 hens"))).similarities);
    expect((await hybrid(0.5)).similarities).toEqual((await hybrid()).similarities);
    expect((await hybrid()).ids).toContain("code");
    await expect(hybrid(1.5)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    const queryEmbedding = await model.getTextEmbedding("hens");
    const wordless = store.query({
      ...asking("", { mode: VectorStoreQueryMode.SPARSE, queryEmbedding }),
      queryStr: undefined,
    } as never);
    await expect(wordless).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("without words kept, says how to have them", async () => {
    const store = await fill();
    const query = store.query(asking("hens", { mode: VectorStoreQueryMode.HYBRID }));
    await expect(query).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("keywords: true"),
    });
  });

  it.each(["svm", "logistic_regression", "linear_regression", "semantic_hybrid", "nonsense"])(
    "mode %s is refused",
    async (mode) => {
      await expect(nodeStore().query(asking("hens", { mode }))).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
        message: expect.stringContaining(mode),
      });
    },
  );

  it("stops", async () => {
    const store = await fill();
    await expect(store.query(asking("hens"), { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "ABORTED",
    });
  });
});
