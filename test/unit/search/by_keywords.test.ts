import { describe, expect, it } from "vitest";
import type { VectorStore } from "../../../src/index.js";
import { Passages } from "../../../src/passage/passages.js";
import { addKeywords, clearKeywords } from "../../../src/storage/keywords.js";
import { readMeta } from "../../../src/storage/meta.js";
import { wordsOf } from "../../../src/text/words.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { openStore, temporaryFile } from "../../support/store.js";
import { openDatabase } from "../storage/temporary_store.js";

const TEXTS = {
  tokyo: "東京都庁は新宿にある。",
  bank: "銀行は東京",
  computer: "新しいコンピューターを買った。",
  computerShort: "コンピュータの値段",
  concert: "コンサートのチケット",
  seoul: "서울에서 부산까지 기차로 갔다.",
  university: "남서울대학교",
  water: "차가운 물",
  thai: "ฉันกินข้าวที่บ้าน",
  english: "The ferry leaves at nine.",
};

const options = () => ({ embedder: fakeEmbedder({ dims: 16 }), keywords: true });

async function filled(): Promise<{ file: string; store: VectorStore }> {
  const file = await temporaryFile();
  const store = await openStore(file, options());
  await store.add(Object.entries(TEXTS).map(([id, text]) => ({ id, text })));
  return { file, store };
}

async function found(store: VectorStore, question: string): Promise<string[]> {
  return (await store.search(question, { mode: "keyword" })).hits.map(({ id }) => id).sort();
}

/** A store as the versions before the second rules left it. */
async function old(): Promise<string> {
  const { file, store } = await filled();
  await store.close();
  const database = await openDatabase(file);
  await database.write((tx) => {
    clearKeywords(tx);
    for (const { node, text } of new Passages(database).page(-1, 100, tx)) addKeywords(tx, node, wordsOf(text, 1));
    tx.run("DELETE FROM meta WHERE key = 'words'");
  });
  await database.close();
  return file;
}

describe("words of scripts without spaces", () => {
  it.each<[question: string, ids: string[]]>([
    ["京", ["bank", "tokyo"]],
    ["庁", ["tokyo"]],
    ["る", ["tokyo"]],
    ["東京", ["bank", "tokyo"]],
    ["コンピューター", ["computer", "computerShort"]],
    ["コンピュータ", ["computer", "computerShort"]],
    ["コンサート", ["concert"]],
    ["서울", ["seoul", "university"]],
    ["서울은", ["seoul", "university"]],
    ["물", ["water"]],
    ["ข้าว", ["thai"]],
    ["ferries", ["english"]],
    ["西", []],
  ])("%s is found in %j", async (question, ids) => {
    const { store } = await filled();
    expect(await found(store, question)).toEqual(ids);
  });

  it("stay as they are in a store of before that is only read, or opened without the option", async () => {
    const file = await old();
    for (const how of [{ readOnly: true }, { keywords: false }]) {
      const store = await openStore(file, { ...options(), ...how });
      expect((await store.verify()).problems).toEqual([]);
      expect(await found(store, "東京")).toEqual(["bank", "tokyo"]);
      expect(await found(store, "東")).toEqual(["bank", "tokyo"]);
      expect(await found(store, "서울")).toEqual(["seoul"]);
      expect(await found(store, "ferry")).toEqual(["english"]);
    }
    const store = await openStore(file, { embedder: options().embedder });
    await store.add([{ id: "late", text: "東の空" }]);
    expect(await found(store, "東")).toEqual(["bank", "late", "tokyo"]);
    await store.delete({ ids: ["bank"] });
    expect((await store.verify()).problems).toEqual([]);
  });

  it("are cut by the newest rules once the store is opened with the option, or renumbered", async () => {
    const file = await old();
    const reader = await openStore(file, { ...options(), readOnly: true });
    expect(await found(reader, "る")).toEqual([]);
    const store = await openStore(file, options());
    expect((await store.verify()).problems).toEqual([]);
    for (const one of [store, reader]) expect(await found(one, "서울")).toEqual(["seoul", "university"]);
    await store.close();

    const other = await openStore(await old(), { embedder: options().embedder });
    await other.delete({ ids: ["english", "water"] });
    expect((await other.compact()).dropped).toBe(2);
    expect((await other.verify()).problems).toEqual([]);
    expect(await found(other, "る")).toEqual(["tokyo"]);
  });

  it("are entered again once only", async () => {
    const file = await old();
    await (await openStore(file, options())).close();
    const database = await openDatabase(file);
    const { version } = readMeta(database.reader);
    await (await openStore(file, options())).close();
    expect(readMeta(database.reader).version).toBe(version);
  });
});
