import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Settings, TextNode } from "llamaindex";
import { describe, expect, it } from "vitest";
import { EmbedlessEmbedding, EmbedlessVectorStore, toEmbedder } from "../../../../integrations/llamaindex/index.js";
import { fakeEmbedder } from "../../../support/fake_embedder.js";
import { WordEmbedding } from "../../../support/llamaindex_embedding.js";
import { asking, embedded, idsIn, model, nodeOf, nodeStore } from "../../../support/llamaindex_store.js";
import { openStore, temporaryFile, texts } from "../../../support/store.js";
import { tamper } from "../../storage/temporary_store.js";

const numbered = (count: number) =>
  texts(count).map((text, i) => new TextNode({ id_: `n${i}`, text, metadata: { i } }));

describe("add", () => {
  it("returns the ids in order, keeps the embedded text, and replaces", async () => {
    const store = nodeStore();
    const nodes = await embedded(nodeOf("d", "b", "a hen", { n: 1 }), nodeOf("d", "a", "an owl", { n: 2 }));
    expect(await store.add(nodes)).toEqual(["b", "a"]);
    const core = await store.store();
    expect((await core.get(["b", "a"])).map((passage) => passage?.text)).toEqual(["n: 1\n\na hen", "n: 2\n\nan owl"]);
    await store.add(await embedded(nodeOf("d", "a", "a shark", { n: 3 })));
    expect(await core.count()).toBe(2);
    const { nodes: found } = await store.query(asking("shark", { similarityTopK: 1 }));
    expect(found![0]!.toJSON()).toMatchObject({ id_: "a", text: "a shark", metadata: { n: 3 } });
  });

  it("of nodes with the same id the last one stays", async () => {
    const store = nodeStore();
    const nodes = await embedded(nodeOf("d", "a", "a hen"), nodeOf("d", "b", "an owl"), nodeOf("d", "a", "a shark"));
    expect(await store.add(nodes)).toEqual(["a", "b", "a"]);
    expect((await (await store.store()).get(["a"]))[0]?.text).toBe("a shark");
  });

  it("embeds again one text a shape and one in 64, not all", async () => {
    const store = nodeStore();
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
    const store = nodeStore();
    await store.add([nodeOf("d", "a", "a hen", { n: 1 }), ...(await embedded(nodeOf("d", "b", "an owl")))]);
    const { similarities, ids } = await store.query(asking("n: 1 a hen", { similarityTopK: 1 }));
    expect([ids, similarities[0]! > 0.9]).toEqual([["a"], true]);
  });

  it("takes nothing, an empty array, and only arrays", async () => {
    const store = nodeStore();
    expect(await store.add([])).toEqual([]);
    await expect(store.add(undefined as never)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    const some = [nodeOf("d", "a", "a hen"), { text: "no node" }, null] as never;
    await expect(store.add(some)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("nodes[1]"),
    });
    expect(await (await store.store()).count()).toBe(0);
  });

  it.each([
    [
      "a vector of another text",
      async (node: TextNode) => Object.assign(node, { embedding: await model.getTextEmbedding("x") }),
    ],
    ["a vector of another length", async (node: TextNode) => Object.assign(node, { embedding: [1, 0] })],
    ["metadata that are no JSON", async (node: TextNode) => Object.assign(node, { metadata: { n: 1n } })],
    ["an id that is none", async (node: TextNode) => Object.assign(node, { id_: "" })],
  ])("%s leaves the store as it was", async (_, spoil) => {
    const store = nodeStore();
    await store.add(await embedded(nodeOf("d", "a", "a hen", { n: 1 })));
    const good = await embedded(nodeOf("d", "a", "a hen that changed", { n: 1 }), nodeOf("d", "b", "an owl", { n: 1 }));
    const bad = await spoil((await embedded(nodeOf("d", "c", "a shark", { m: 1 })))[0] as TextNode);
    await expect(store.add([...good, bad])).rejects.toMatchObject({ code: expect.stringMatching(/^INVALID_/) });
    expect(await idsIn(store)).toEqual(["a"]);
    expect((await (await store.store()).get(["a"]))[0]?.text).toBe("n: 1\n\na hen");
  });

  it("passes over nodes with nothing to embed, counts them and says so once; refuses them if asked to", async () => {
    const warnings: Error[] = [];
    const hear = (warning: Error) => warnings.push(warning);
    process.on("warning", hear);
    const store = nodeStore();
    const blank = new TextNode({ id_: "blank", text: " \n" });
    const [good] = await embedded(nodeOf("d", "a", "a hen", { n: 1 }));
    expect(await store.add([blank, good!])).toEqual(["blank", "a"]);
    expect(await store.add([blank])).toEqual(["blank"]);
    expect([await idsIn(store), store.skipped]).toEqual([["a"], 2]);
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", hear);
    expect(warnings.map(({ message }) => message)).toEqual([expect.stringContaining("1 of 2 nodes were not added")]);
    await expect(store.add([good!, blank], { blank: "refuse" })).rejects.toMatchObject({ code: "INVALID_TEXT" });
    await expect(nodeStore({ blank: "refuse" }).add([blank])).rejects.toMatchObject({ code: "INVALID_TEXT" });
  });

  it("keeps what an id has although a blank node of the same id comes after it", async () => {
    const store = nodeStore();
    const blank = new TextNode({ id_: "a", text: " \n" });
    const [hen, owl] = await embedded(nodeOf("d", "a", "a hen", {}), nodeOf("d", "a", "an owl", {}));
    expect(await store.add([blank, hen!, owl!, blank, blank])).toEqual(["a", "a", "a", "a", "a"]);
    expect((await (await store.store()).get(["a"]))[0]?.text).toBe("an owl");
    expect(store.skipped).toBe(2);
    expect(await store.add([blank, blank])).toEqual(["a", "a"]);
    expect([await idsIn(store), store.skipped]).toEqual([["a"], 4]);
    await expect(store.add([hen!, blank], { blank: "refuse" })).rejects.toMatchObject({ code: "INVALID_TEXT" });
  });

  it("keeps vectors of no text in a store that keeps vectors", async () => {
    const store = nodeStore({ vectors: "float32" });
    const node = nodeOf("d", "a", "a picture of a hen", { n: 1 });
    node.embedding = await model.getTextEmbedding("violin");
    await store.add([node, ...(await embedded(nodeOf("d", "b", "an owl", { n: 2 })))]);
    const { ids, similarities } = await store.query(asking("violin", { similarityTopK: 1 }));
    expect([ids, similarities[0]! > 0.99]).toEqual([["a"], true]);
    expect((await (await store.store()).get(["a"]))[0]?.text).toBe("n: 1\n\na picture of a hen");
  });

  it("stops and tells how far it is", async () => {
    const store = nodeStore();
    const nodes = await embedded(...numbered(10));
    const seen: number[] = [];
    await store.add(nodes, { onProgress: ({ done }) => seen.push(done) });
    expect(seen.at(-1)).toBe(10);
    const stopped = store.add(await embedded(nodeOf("d", "x", "late")), { signal: AbortSignal.abort() });
    await expect(stopped).rejects.toMatchObject({ code: "ABORTED" });
    expect(await (await store.store()).has(["x"])).toEqual([false]);
  });
});

describe("delete", () => {
  const fill = async () => {
    const store = nodeStore();
    await store.add(
      await embedded(
        nodeOf("hens", "a", "a hen"),
        nodeOf("hens", "b", "an egg"),
        nodeOf("owls", "hens", "an owl whose id is a source of others"),
        new TextNode({ id_: "alone", text: "a shark" }),
        nodeOf("x.y", "c", "a bee"),
      ),
    );
    return store;
  };

  it("leaves a node of that id that was made from nothing, where others were made from it", async () => {
    const store = nodeStore();
    const whole = new TextNode({ id_: "d", text: "a hen and an owl" });
    await store.add(await embedded(whole, nodeOf("d", "a", "a hen"), nodeOf("d", "b", "an owl")));
    await store.delete("d");
    expect(await idsIn(store)).toEqual(["d"]);
    await store.delete("d");
    expect(await idsIn(store)).toEqual([]);
  });

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
    expect(await idsIn(store)).toEqual(left);
  });

  it("finds sources by an index of its own", async () => {
    const path = await temporaryFile();
    const store = nodeStore({ path, filterable: ["year"] });
    await store.add(await embedded(nodeOf("hens", "a", "a hen", { year: 2020 })));
    await store.close();
    const names = "SELECT sql FROM sqlite_schema WHERE name LIKE 'passages_by_%' ORDER BY sql";
    const made = tamper(path, (raw) => raw.prepare(names).all()) as { sql: string }[];
    expect(made.map(({ sql }) => /source|year/.exec(sql)?.[0])).toEqual(["year", "source"]);
  });

  it("takes an id only", async () => {
    await expect(nodeStore().delete(undefined as never)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("where it is", () => {
  it("a private temporary file, a file, a folder, an open store", async () => {
    const temporary = nodeStore();
    expect((await temporary.store()).path).toMatch(/embedless\.db$/);
    const path = await temporaryFile();
    expect((await nodeStore({ path }).store()).path).toBe(path);
    expect((await nodeStore({ path: dirname(path) }).store()).path).toBe(join(dirname(path), "embedless.db"));
    const core = await openStore(await temporaryFile(), { embedder: fakeEmbedder() });
    const wrapped = new EmbedlessVectorStore({ store: core, embedModel: new EmbedlessEmbedding(fakeEmbedder()) });
    expect(wrapped.client()).toBe(core);
    await wrapped.close();
    expect(await core.count()).toBe(0);
    expect(() => wrapped.client()).toThrow(expect.objectContaining({ code: "CLOSED" }));
  });

  it("shows the core store once it is open", async () => {
    const store = nodeStore();
    expect(() => store.client()).toThrow(
      expect.objectContaining({ code: "CLOSED", message: expect.stringContaining("store()") }),
    );
    await store.add([]);
    expect(store.client()).toBe(await store.store());
    await store.close();
    expect(() => store.client()).toThrow(expect.objectContaining({ code: "CLOSED" }));
    await expect(store.query(asking("hens"))).rejects.toMatchObject({ code: "CLOSED" });
    await store.close();
  });

  it("refuses a store of another metric or model, and an unknown option", async () => {
    const l2 = await openStore(await temporaryFile(), { embedder: fakeEmbedder(), metric: "l2" });
    expect(() => nodeStore({ store: l2 })).toThrow(expect.objectContaining({ code: "METRIC_MISMATCH" }));
    const other = await openStore(await temporaryFile(), { embedder: fakeEmbedder() });
    expect(() => nodeStore({ store: other })).toThrow(expect.objectContaining({ code: "MODEL_MISMATCH" }));
    expect(() => new EmbedlessVectorStore(null as never)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
    expect(() => nodeStore({ queryEmbedding: "both" as never })).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
    const path = await temporaryFile();
    await expect(nodeStore({ path, colour: "red" } as never).store()).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });

  it("takes its model from the settings, as all stores do", async () => {
    const outer = Settings.withEmbedModel(model, () => new EmbedlessVectorStore());
    expect(outer.embedModel).toBe(model);
    expect(new EmbedlessVectorStore({ embeddingModel: model }).embedModel).toBe(model);
    for (const embedModel of [undefined, {}, "minilm", () => []] as never[]) {
      const refusal = expect.objectContaining({ code: "INVALID_ARGUMENT" });
      expect(() => new EmbedlessVectorStore({ embedModel })).toThrow(refusal);
    }
  });
});

describe("persist", () => {
  it("copies the store to a file or a folder, again and again", async () => {
    const store = nodeStore();
    await store.add(await embedded(nodeOf("d", "a", "a hen", { n: 1 })));
    const file = join(dirname(await temporaryFile()), "deep", "copy.db");
    await store.persist(file);
    await store.add(await embedded(nodeOf("d", "b", "an owl", { n: 2 })));
    await store.persist(file);
    await store.persist(dirname(file));
    for (const at of [file, dirname(file)]) {
      const copy = await EmbedlessVectorStore.fromPersistDir(at, { embedModel: model, keywords: true });
      expect(await idsIn(copy)).toEqual(["a", "b"]);
      await copy.close();
    }
    expect(await idsIn(store)).toEqual(["a", "b"]);
  });

  it("has nothing to do for its own file", async () => {
    const path = await temporaryFile();
    const store = nodeStore({ path });
    await store.add(await embedded(nodeOf("d", "a", "a hen")));
    await store.persist();
    await store.persist(path);
    // Another process would see it.
    const reader = await openStore(path, { embedder: toEmbedder(model), readOnly: true });
    expect((await reader.get(["a"]))[0]?.text).toBe("a hen");
  });

  it("makes what is not there, unless told not to, and takes the model alone", async () => {
    const folder = join(dirname(await temporaryFile()), "new", "deep");
    const none = EmbedlessVectorStore.fromPersistDir(folder, { embedModel: model, create: false });
    await expect(none).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(existsSync(dirname(folder))).toBe(false);
    const made = await EmbedlessVectorStore.fromPersistDir(folder, model);
    await made.add(await embedded(nodeOf("d", "a", "a hen")));
    await made.close();
    const again = await EmbedlessVectorStore.fromPersistDir(folder, { embedModel: model });
    expect(await idsIn(again)).toEqual(["a"]);
    await again.close();
    expect(existsSync(join(folder, "embedless.db"))).toBe(true);
    const file = join(dirname(dirname(folder)), "plain");
    await writeFile(file, "no store, though there is a file of this name ".repeat(20));
    await expect(EmbedlessVectorStore.fromPersistDir(file, model)).rejects.toMatchObject({ code: "NOT_A_STORE" });
    const below = EmbedlessVectorStore.fromPersistDir(join(file, "folder"), model);
    await expect(below).rejects.toMatchObject({ code: "IO" });
    const inMemory = await EmbedlessVectorStore.fromPersistDir(":memory:", model);
    expect((await inMemory.store()).path).toContain(tmpdir());
    await inMemory.close();
    for (const bad of [undefined, ""]) {
      const opening = EmbedlessVectorStore.fromPersistDir(bad as never, { embedModel: model });
      await expect(opening).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    }
  });

  it("opens what is there with the model that made it alone", async () => {
    const folder = dirname(await temporaryFile());
    const store = nodeStore();
    await store.add(await embedded(nodeOf("d", "a", "a hen")));
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
