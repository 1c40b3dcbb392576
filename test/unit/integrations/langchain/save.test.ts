import { mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EmbedlessVectorStore } from "../../../../integrations/langchain/index.js";
import { WordEmbeddings } from "../../../support/langchain_embeddings.js";
import { temporaryFile } from "../../../support/store.js";

const texts = ["hens lay one egg a day", "llamas live in the high andes", "sharks swim in every ocean"];

let folder: string;
let store: EmbedlessVectorStore;
beforeEach(async () => {
  folder = dirname(await temporaryFile());
  store = await EmbedlessVectorStore.fromTexts(texts, {}, new WordEmbeddings());
});
afterEach(() => store.close());

async function answerOf(where: string): Promise<string | undefined> {
  const loaded = await EmbedlessVectorStore.load(where, new WordEmbeddings());
  const [found] = await loaded.similaritySearch("how many eggs do hens lay", 1);
  await loaded.close();
  return found?.pageContent;
}

describe("save and load", () => {
  it.each([
    ["a folder that is not there yet", "saved/deep", "saved/deep"],
    ["a folder that is there", ".", "."],
    ["a file", "saved.db", "saved.db"],
    ["the file in a folder", "folder", "folder/embedless.db"],
  ])("%s", async (_, to, from) => {
    await store.save(join(folder, to));
    expect(await answerOf(join(folder, from))).toBe(texts[0]);
  });

  it("save again replaces what was saved", async () => {
    await store.save(join(folder, "saved"));
    await store.delete({ deleteAll: true });
    await store.addDocuments([{ pageContent: "hens lay eggs no more", metadata: {} }]);
    expect(await answerOf(join(folder, "saved"))).toBe(texts[0]);
    await store.save(join(folder, "saved"));
    expect(await answerOf(join(folder, "saved"))).toBe("hens lay eggs no more");
    expect(readdirSync(join(folder, "saved"))).toEqual(["embedless.db"]);
  });

  it("saving to its own place does nothing, for all is there already", async () => {
    const path = join(folder, "own");
    mkdirSync(path);
    const own = await EmbedlessVectorStore.fromTexts(texts, {}, new WordEmbeddings(), { path });
    await own.save(path);
    await own.save(join(path, "embedless.db"));
    expect(await answerOf(path)).toBe(texts[0]);
    await own.close();
  });

  it("refuses to replace a store in use, to load what is not there, and other embeddings", async () => {
    const path = join(folder, "busy.db");
    const busy = await EmbedlessVectorStore.fromTexts(texts.slice(1), {}, new WordEmbeddings(), { path });
    await expect(store.save(path)).rejects.toMatchObject({ code: "LOCKED" });
    expect(await busy.similaritySearch("hens", 9)).toHaveLength(2);
    await busy.close();
    const load = (where: string, model?: string) => EmbedlessVectorStore.load(where, new WordEmbeddings(model));
    await expect(load(join(folder, "nothing"))).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(load(path, "another")).rejects.toMatchObject({ code: "MODEL_MISMATCH" });
  });

  it("a subclass loads its own kind", async () => {
    class Special extends EmbedlessVectorStore {}
    await store.save(join(folder, "saved"));
    const loaded = await Special.load(join(folder, "saved"), new WordEmbeddings());
    expect(loaded).toBeInstanceOf(Special);
    await loaded.close();
  });
});
