// Searches by words and by both, through a store.
import { describe, expect, it } from "vitest";
import type { AddItem, OpenOptions, SearchOptions, VectorStore } from "../../../src/index.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile } from "../../support/store.js";

const WORDS: SearchOptions = { mode: "keyword" };
const named: AddItem[] = [
  { id: "code", text: "Error E4711 means that the valve is stuck.", metadata: { kind: "error" } },
  { id: "valves", text: "A valve that is stuck opens again when it is warmed.", metadata: { kind: "advice" } },
  { id: "ferry", text: "The ferry leaves the harbour at nine.", metadata: { kind: "travel" } },
];

async function stored(options: OpenOptions = {}) {
  const embedder = fakeEmbedder();
  const file = await temporaryFile();
  const store = await openStore(file, { embedder, keywords: true, ...options });
  return { store, embedder, file };
}

async function idsOf(store: VectorStore, question: string, options: SearchOptions = WORDS): Promise<string[]> {
  return (await store.search(question, options)).hits.map(({ id }) => id);
}

describe("by words", () => {
  it("finds what shares them, the rarest first, and embeds nothing", async () => {
    const { store, embedder } = await stored();
    await store.add([...items(200), ...named]);
    embedder.calls = 0;
    expect(await idsOf(store, "What does e4711 mean?")).toEqual(["code"]);
    expect((await idsOf(store, "stuck valves")).sort()).toEqual(["code", "valves"]);
    expect(await idsOf(store, "quetzalcoatl")).toEqual([]);
    const { cost, expectedRecall, hits } = await store.search("VALVE", { ...WORDS, explain: true });
    expect(embedder.calls).toBe(0);
    expect(cost).toMatchObject({ recomputed: 0, embedded: 0, scanned: 0 });
    expect(cost.keywordMs).toBeGreaterThan(0);
    expect(expectedRecall).toBeUndefined();
    for (const { score, explain } of hits) expect(explain).toMatchObject({ keyword: score, source: "none" });
  });

  it("follows replacements and deletions, by this process and another", async () => {
    const { store, file } = await stored();
    await store.add(named);
    const other = await openStore(file, { embedder: fakeEmbedder() });
    await other.add([{ id: "ferry", text: "The tram leaves from the square." }]);
    await store.delete({ ids: ["code"] });
    expect(await idsOf(store, "ferry harbour")).toEqual([]);
    expect(await idsOf(other, "tram")).toEqual(["ferry"]);
    expect(await idsOf(other, "stuck valve")).toEqual(["valves"]);
    await store.delete({ all: true });
    expect(await idsOf(other, "tram valve")).toEqual([]);
    expect((await store.verify()).problems).toEqual([]);
  });

  it("is filtered before it is cut", async () => {
    const { store } = await stored();
    await store.add([...items(500), ...named]);
    const filter = { n: { $gte: 490 } };
    const found = await store.search("river engine violin", { ...WORDS, filter, k: 4 });
    for (const { metadata } of found.hits) expect(metadata["n"]).toBeGreaterThanOrEqual(490);
    expect(found.hits.length).toBeGreaterThan(0);
    expect(await idsOf(store, "stuck valve", { ...WORDS, filter: { kind: "advice" } })).toEqual(["valves"]);
  });

  it("finds by common words where there are no others", async () => {
    const { store } = await stored();
    const many = Array.from({ length: 5_000 }, (_, i) => ({
      id: `p${i}`,
      text: i === 4_321 ? "salt salt salt" : `salt ${i}`,
    }));
    await store.add(many);
    const [first] = await idsOf(store, "salt", { ...WORDS, k: 1 });
    expect(first).toBeDefined();
    expect(await idsOf(store, "salt 4320", { ...WORDS, k: 1 })).toEqual(["p4320"]);
  }, 30_000);

  it("keeps the words that FTS5 takes for operators", async () => {
    const { store } = await stored();
    await store.add([{ id: "logic", text: "AND OR NOT NEAR" }, ...named]);
    expect(await idsOf(store, "NOT near")).toEqual(["logic"]);
    expect(await idsOf(store, '"valve* ^ferry:')).toEqual(expect.arrayContaining(["ferry"]));
  });
});

describe("by both", () => {
  it("brings together what either finds", async () => {
    const { store, embedder } = await stored();
    await store.add([...items(300), ...named]);
    const { hits, cost, expectedRecall } = await store.search("E4711", { mode: "hybrid", k: 5, explain: true });
    expect(hits.map(({ id }) => id)).toContain("code");
    expect(hits.length).toBe(5);
    const code = hits.find(({ id }) => id === "code")!;
    expect(code.explain!.keyword).toBeGreaterThan(0);
    expect(hits.map(({ score }) => score)).toEqual(hits.map(({ score }) => score).sort((a, b) => b - a));
    expect(code.score).toBeLessThanOrEqual(2 / 61);
    expect(cost.recomputed).toBeGreaterThan(0);
    expect(embedder.queries).toBeGreaterThan(0);
    expect(expectedRecall).toBeGreaterThan(0);
    expect(new Set(hits.map(({ id }) => id)).size).toBe(5);
  });

  it("filters both sides, and gives what there is", async () => {
    const { store } = await stored();
    await store.add([...items(50), ...named]);
    const filter = { kind: { $exists: true } };
    const found = await idsOf(store, "stuck valve", { mode: "hybrid", k: 10, filter });
    expect(found.sort()).toEqual(["code", "ferry", "valves"]);
    expect(await idsOf(store, "valve", { mode: "hybrid", filter: { kind: "none" } })).toEqual([]);
  });
});

describe("the table of words", () => {
  it("is made for a store that has passages already, and stays", async () => {
    const { store, file } = await stored({ keywords: false });
    await store.add([...items(100), ...named]);
    expect((await store.stats()).keywordBytes).toBe(0);
    await expect(store.search("valve", WORDS)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("keywords: true"),
    });
    const again = await openStore(file, { embedder: fakeEmbedder(), keywords: true });
    expect((await idsOf(again, "valve stuck")).sort()).toEqual(["code", "valves"]);
    expect(await idsOf(store, "ferry")).toEqual(["ferry"]); // the other one, opened before, has it too
    const third = await openStore(file, { embedder: fakeEmbedder() });
    await third.add([{ id: "new", text: "A valve of brass." }]);
    expect((await idsOf(third, "valve brass"))[0]).toBe("new");
    expect((await third.stats()).keywordBytes).toBeGreaterThan(0);
    expect((await third.verify()).problems).toEqual([]);
  });

  it("is missed by verify when it lacks a passage", async () => {
    const { store } = await stored();
    await store.add(named);
    // Nobody but the store's own code writes there, so this is how a fault of it would look.
    const { DatabaseSync } = await import("@photostructure/sqlite");
    const database = new DatabaseSync(store.path);
    database.exec("DELETE FROM keywords WHERE rowid = 1");
    database.close();
    expect((await store.verify()).problems.join()).toContain("words of 2 passages");
  });
});

it("refuses a vector where words are needed, and an empty store has no hits", async () => {
  const { store } = await stored();
  for (const mode of ["keyword", "hybrid"] as const) {
    await expect(store.search(new Float32Array(64).fill(1), { mode })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    expect(await idsOf(store, "anything", { mode })).toEqual([]);
  }
  await expect(store.search("x", { mode: "both" as never })).rejects.toThrow(/vector.*keyword.*hybrid/);
});

it("stops by its signal", async () => {
  const { store } = await stored();
  await store.add(named);
  for (const mode of ["keyword", "hybrid"] as const) {
    const search = store.search("valve", { mode, signal: AbortSignal.abort() });
    await expect(search).rejects.toMatchObject({ code: "ABORTED" });
  }
});
