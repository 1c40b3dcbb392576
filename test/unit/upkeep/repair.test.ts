import { existsSync, lstatSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, test } from "vitest";
import { type OpenOptions, VectorStore } from "../../../src/index.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile } from "../../support/store.js";
import { tamper } from "../storage/temporary_store.js";

const QUESTION = "Where does the river freeze in winter?";
const COUNT = 300;

/** A closed store with something in most tables, and what it answers. */
async function filled(options: OpenOptions = {}) {
  const path = await temporaryFile();
  const store = await openStore(path, { embedder: fakeEmbedder(), keywords: true, filterable: ["n"], ...options });
  await store.add(items(COUNT));
  await store.delete({ ids: ["p3", "p4"] });
  await store.records("pipeline").update(["p1", "p2"], { groups: ["a", null] });
  if (options.index) await store.compact();
  const { hits } = await store.search(QUESTION, { k: 5, recall: 0.999 });
  await store.close();
  return { path, answer: hits.map(({ id }) => id) };
}

async function repaired(path: string, options: OpenOptions = {}) {
  const embedder = fakeEmbedder();
  const result = await VectorStore.repair(path, { embedder, ...options });
  const store = await openStore(path, { embedder: fakeEmbedder(), create: false });
  expect((await store.verify()).problems).toEqual([]);
  const { hits } = await store.search(QUESTION, { k: 5, recall: 0.999 });
  return { result, store, answer: hits.map(({ id }) => id), embedded: embedder.documents };
}

const run = (sql: string) => (path: string) => tamper(path, (raw) => raw.exec(sql));
// By exec alone: a prepared statement would keep the file in use until it is garbage collected.
const flip = (table: string, column: string, where: string) => {
  const half = `length(${column}) / 2`;
  const byte = `CASE substr(${column}, ${half}, 1) WHEN X'00' THEN X'01' ELSE X'00' END`;
  const parts = `substr(${column}, 1, ${half} - 1) || (${byte}) || substr(${column}, ${half} + 1)`;
  return run(`UPDATE ${table} SET ${column} = CAST(${parts} AS BLOB) WHERE ${where}`);
};

describe("repair makes anew from the texts", () => {
  test.each<[what: string, damage: (path: string) => void]>([
    ["waiting vectors", flip("pending", "row", "node = 9")],
    ["waiting vectors that are missing", run("DELETE FROM pending WHERE node > 250")],
    ["live bits", flip("live_blocks", "bits", "block = 0")],
    ["the table of ids", flip("id_buckets", "entries", "bucket = 1")],
    ["how many buckets of ids there are", run("DELETE FROM meta WHERE key = 'idBuckets'")],
    ["canaries", flip("canaries", "vector", "n = 3")],
    ["a counter", run("UPDATE meta SET value = '17' WHERE key = 'passages'")],
    ["the version", run("DELETE FROM meta WHERE key = 'version'")],
    ["the metric", run("UPDATE meta SET value = '\"l2\"' WHERE key = 'metric'")],
    ["words", run("DELETE FROM keywords WHERE rowid = 7")],
  ])("%s", async (_, damage) => {
    const { path, answer } = await filled();
    damage(path);
    const before = await VectorStore.open(path, { embedder: fakeEmbedder() }).then(
      async (store) => {
        const { ok } = await store.verify();
        await store.close();
        return ok;
      },
      () => false,
    );
    expect(before).toBe(false);
    const { result, store, answer: after } = await repaired(path);
    expect(result).toMatchObject({ passages: COUNT - 2, lost: [], damaged: `${path}.damaged` });
    expect(result.problems.length).toBeGreaterThan(0);
    expect(new Set(result.problems).size).toBe(result.problems.length);
    expect(after).toEqual(answer);
    expect(await store.count()).toBe(COUNT - 2);
    expect(await store.get(["p1", "p3"])).toEqual([items(1, 1)[0], undefined]);
    expect(await store.records("pipeline").exists(["p1", "p2", "p5"])).toEqual([true, true, false]);
    expect((await store.search("orchard", { mode: "keyword" })).hits.length).toBeGreaterThan(0);
    expect(readdirSync(dirname(path)).filter((name) => name.includes("repaired"))).toEqual([]);
  });

  test("a graph, without embedding where vectors are kept", async () => {
    const { path, answer } = await filled({ index: "vamana", vectors: "float16" });
    flip("graph_blocks", "bytes", "n = 1")(path);
    await expect(VectorStore.open(path, { embedder: fakeEmbedder() })).rejects.toMatchObject({ code: "CORRUPT" });
    const { store, answer: after, embedded } = await repaired(path);
    expect(after).toEqual(answer);
    expect(await store.stats()).toMatchObject({ linked: COUNT - 2, vectors: "float16" });
    expect(embedded).toBeLessThan(30); // canaries alone
  });

  test("the book of a pipeline, around a damaged entry", async () => {
    const { path } = await filled();
    const ids = Array.from({ length: 200 }, (_, i) => `p${i + 5}`);
    const open = await openStore(path, { embedder: fakeEmbedder() });
    await open.records("pipeline").update(ids);
    await open.close();
    run("UPDATE records SET updated = updated - 1 WHERE key = 'p100'")(path);
    const { store } = await repaired(path);
    const expected = ["p1", "p2", ...ids.filter((id) => id !== "p100")];
    expect((await store.records("pipeline").list()).sort()).toEqual(expected.sort());
  });

  test("a kept vector that cannot be read", async () => {
    const { path, answer } = await filled({ vectors: "float32" });
    flip("vectors", "row", "node = 9")(path);
    expect((await repaired(path)).answer).toEqual(answer);
  });
});

test("codes and the codebook that was trained on the store", async () => {
  const path = await temporaryFile();
  const store = await openStore(path, { embedder: fakeEmbedder(), codes: { bytes: 24 } });
  await store.add(items(4_300));
  await store.close();
  flip("codebooks", "bytes", "1")(path);
  flip("code_blocks", "rows", "block = 0")(path);
  const { result, store: whole } = await repaired(path);
  expect(result).toMatchObject({ passages: 4_300, lost: [] });
  expect(await whole.stats()).toMatchObject({ codebook: "own", pending: 0 });
  const [passage] = items(1, 2_000);
  expect((await whole.search(passage!.text, { k: 1 })).hits[0]!.id).toBe("p2000");
});

test("passages that cannot be read are named, the others kept in their order", async () => {
  const { path } = await filled();
  flip("passages", "text", "node = 10")(path);
  flip("passages", "text", "node = 200")(path);
  const { result, store } = await repaired(path);
  expect(result.lost).toEqual(["p10", "p200"]);
  const listed: string[] = [];
  for await (const { id } of store.passages()) listed.push(id);
  expect(listed).toEqual(
    items(COUNT)
      .map(({ id }) => id!)
      .filter((id) => !["p3", "p4", "p10", "p200"].includes(id)),
  );
});

test("a store without damage stays as it is", async () => {
  const { path } = await filled();
  const { result, embedded } = await repaired(path);
  expect(result).toEqual({ problems: [], passages: COUNT - 2, lost: [], damaged: undefined });
  expect([embedded, existsSync(`${path}.damaged`)]).toEqual([0, false]);
});

describe("a repair that cannot be done leaves the store alone", () => {
  test("by another model", async () => {
    const { path } = await filled();
    flip("pending", "row", "node = 9")(path);
    await expect(VectorStore.repair(path, { embedder: fakeEmbedder({ seed: 2 }) })).rejects.toMatchObject({
      code: "MODEL_MISMATCH",
    });
    await expect(VectorStore.repair(path)).rejects.toMatchObject({ code: "MODEL_MISMATCH" });
    expect(existsSync(`${path}.damaged`)).toBe(false);
  });

  test("while somebody has it open", async () => {
    const { path } = await filled();
    const user = await openStore(path, { embedder: fakeEmbedder() });
    flip("pending", "row", "node = 9")(path);
    await expect(VectorStore.repair(path, { embedder: fakeEmbedder() })).rejects.toMatchObject({ code: "LOCKED" });
    expect(await user.count()).toBe(COUNT - 2);
    await user.close();
    expect((await repaired(path)).result.passages).toBe(COUNT - 2);
  });

  test.runIf(process.platform !== "win32")("through a link while somebody has it open", async () => {
    const { path } = await filled();
    const link = await temporaryFile("link.db");
    symlinkSync(path, link);
    const user = await openStore(path, { embedder: fakeEmbedder() });
    flip("pending", "row", "node = 9")(path);
    await expect(VectorStore.repair(link, { embedder: fakeEmbedder() })).rejects.toMatchObject({ code: "LOCKED" });
    await user.close();
    const { result, store } = await repaired(link);
    expect([result.passages, result.damaged]).toEqual([COUNT - 2, `${path}.damaged`]);
    await store.close();
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    const mended = await openStore(path, { embedder: fakeEmbedder() });
    expect((await mended.verify()).ok).toBe(true);
  });

  test("of another file with a log beside it, which backup does not replace either", async () => {
    const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder() });
    for (const attempt of [
      (path: string) => VectorStore.repair(path),
      (path: string) => store.backup(path, { overwrite: true }),
    ]) {
      const path = await temporaryFile("notes.txt");
      for (const suffix of ["", "-wal"]) writeFileSync(path + suffix, "no store".repeat(1_000));
      await expect(attempt(path)).rejects.toMatchObject({ name: "EmbedlessError", code: "NOT_A_STORE" });
      expect(existsSync(path)).toBe(true);
    }
  });

  test("stopped halfway, and goes on from there without embedding twice", async () => {
    const { path } = await filled();
    flip("pending", "row", "node = 9")(path);
    const stop = new AbortController();
    const onProgress = ({ done }: { done: number }) => done > 100 && stop.abort();
    const stopped = VectorStore.repair(path, { embedder: fakeEmbedder(), signal: stop.signal, onProgress });
    await expect(stopped).rejects.toMatchObject({ code: "ABORTED" });
    expect(existsSync(`${path}.damaged`)).toBe(false);
    expect((await repaired(path)).result.passages).toBe(COUNT - 2);
  });

  test("where there is no store, or options are wrong", async () => {
    await expect(VectorStore.repair(await temporaryFile())).rejects.toMatchObject({ code: "NOT_FOUND" });
    const { path } = await filled();
    await expect(VectorStore.repair(path, { create: true } as never)).rejects.toThrow(/create/);
    await expect(VectorStore.repair(path, { codecs: 1 } as never)).rejects.toThrow(/codes/);
  });
});

test("an earlier damaged file is not overwritten", async () => {
  const { path } = await filled();
  for (const name of [".damaged", ".damaged2"]) {
    flip("pending", "row", "node = 9")(path);
    const { result, store } = await repaired(path);
    expect(result.damaged).toBe(path + name);
    await store.close();
  }
});
