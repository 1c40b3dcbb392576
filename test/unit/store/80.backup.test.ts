import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, test } from "vitest";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile } from "../../support/store.js";

const embedder = () => fakeEmbedder();

async function filled(count = 200) {
  const store = await openStore(await temporaryFile(), { embedder: embedder() });
  await store.add(items(count));
  return store;
}

describe("backup", () => {
  test("makes a whole store that answers as the first one does", async () => {
    const store = await filled();
    const file = await temporaryFile("copy.db");
    await store.backup(file);
    const copy = await openStore(file, { embedder: embedder(), create: false });
    expect((await copy.verify()).problems).toEqual([]);
    expect(await copy.count()).toBe(200);
    const question = "Where does the river freeze?";
    expect((await copy.search(question)).hits).toEqual((await store.search(question)).hits);
    await copy.add(items(1, 500));
    expect([await copy.count(), await store.count()]).toEqual([201, 200]);
  });

  test("copies one moment of a store that is being written", async () => {
    const store = await filled(300);
    const other = await openStore(store.path, { embedder: embedder() });
    let stop = false;
    const writing = (async () => {
      for (let i = 0; !stop; i++) await other.add(items(10, 1000 + 10 * i));
    })();
    for (let round = 0; round < 10; round++) {
      const file = await temporaryFile(`copy ${round} ü#?.db`);
      await store.backup(file);
      const copy = await openStore(file, { embedder: embedder(), create: false, readOnly: true });
      expect((await copy.count()) % 10).toBe(0);
      expect((await copy.verify()).problems).toEqual([]);
    }
    stop = true;
    await writing;
  });

  test("says how far it is", async () => {
    const store = await filled(500);
    const seen: { done: number; total: number }[] = [];
    const file = await temporaryFile("copy.db");
    await store.backup(file, { onProgress: (progress) => seen.push(progress) });
    for (const { done, total } of seen) expect(done).toBeLessThanOrEqual(total);
    const size = readFileSync(file).length;
    expect(seen.at(-1)).toEqual({ done: size, total: size });
  });

  test("replaces a file only if told to, and one in use never", async () => {
    const store = await filled();
    const file = await temporaryFile("copy.db");
    writeFileSync(file, "precious");
    await expect(store.backup(file)).rejects.toMatchObject({
      code: "IO",
      message: expect.stringContaining("overwrite"),
    });
    expect(readFileSync(file, "utf8")).toBe("precious");
    await store.backup(file, { overwrite: true });
    const copy = await openStore(file, { embedder: embedder() });
    expect(await copy.count()).toBe(200);
    await copy.add(items(1, 900));
    await expect(store.backup(file, { overwrite: true })).rejects.toMatchObject({ code: "LOCKED" });
    expect(await copy.count()).toBe(201);
    await copy.close();
    // Whoever only reads leaves an empty log beside the file.
    const reading = await openStore(file, { embedder: embedder(), readOnly: true });
    await expect(store.backup(file, { overwrite: true })).rejects.toMatchObject({ code: "LOCKED" });
    await reading.close();
    await store.backup(file, { overwrite: true });
    expect(readdirSync(dirname(file))).toEqual(["copy.db"]);
  });

  test.runIf(process.platform !== "win32")("through a link replaces the file that the link leads to", async () => {
    const store = await filled(20);
    const other = await filled(5);
    const link = await temporaryFile("link.db");
    symlinkSync(other.path, link);
    await expect(store.backup(link, { overwrite: true })).rejects.toMatchObject({ code: "LOCKED" });
    await other.add(items(1, 500));
    await other.close();
    await store.backup(link, { overwrite: true });
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    const copy = await openStore(other.path, { embedder: embedder() });
    expect(await copy.count()).toBe(20);
  });

  test("refuses its own file, folders and folders that are missing, and leaves nothing behind", async () => {
    const store = await filled(10);
    const folder = dirname(store.path);
    mkdirSync(`${folder}/sub`);
    const before = readdirSync(folder);
    await expect(store.backup(store.path, { overwrite: true })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(store.backup(`${folder}/sub/../store.db`, { overwrite: true })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    await expect(store.backup(`${folder}/sub`)).rejects.toMatchObject({ code: "IO" });
    await expect(store.backup(`${folder}/none/copy.db`)).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(store.backup("")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(store.backup(`${folder}/b.db`, { overwrite: 1 as never })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    await expect(store.backup(`${folder}/b.db`, { replace: true } as never)).rejects.toThrow(/replace/);
    expect(readdirSync(folder)).toEqual(before);
  });

  test("stops by signal, by close and by an error of onProgress, and leaves nothing behind", async () => {
    const store = await filled(300);
    const file = await temporaryFile("copy.db");
    await expect(store.backup(file, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "ABORTED" });
    const onProgress = () => {
      throw new Error("mine");
    };
    await expect(store.backup(file, { onProgress })).rejects.toThrow("mine");
    const closed = store.backup(file).catch((error: unknown) => error);
    await store.close();
    expect(await closed).toMatchObject({ code: "ABORTED" });
    expect(existsSync(file)).toBe(false);
    expect(readdirSync(dirname(file))).toEqual([]);
  });

  test("copies a store that is open for reading only, graph and kept vectors included", async () => {
    const options = { embedder: embedder(), vectors: "float16", index: "vamana", vectorsIn: "memory" } as const;
    const store = await openStore(await temporaryFile(), options);
    await store.add(items(300));
    await store.compact();
    await store.close();
    const reading = await openStore(store.path, { embedder: embedder(), readOnly: true });
    const file = await temporaryFile("copy.db");
    await reading.backup(file);
    const copy = await openStore(file, { embedder: embedder(), create: false });
    expect(await copy.stats()).toMatchObject({ passages: 300, linked: 300, vectors: "float16" });
    expect((await copy.verify()).problems).toEqual([]);
  });
});
