import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { items, openStore, temporaryFile } from "../../support/store.js";
import { tamper } from "../storage/temporary_store.js";

async function filled() {
  const file = await temporaryFile();
  const store = await openStore(file, { embedder: fakeEmbedder() });
  await store.add(items(20));
  return { store, file, ids: items(20).map(({ id }) => id!) };
}

describe("the book of a pipeline", () => {
  it("knows what was entered, for as long as its passage is there", async () => {
    const { store, ids } = await filled();
    const book = store.records("docs");
    expect(await book.exists([ids[0]!, "nothing"])).toEqual([false, false]);
    await book.update([ids[0]!, ids[1]!, "nothing"], { groups: ["a", null, "b"] });
    expect(await book.exists([ids[0]!, ids[1]!, ids[2]!, "nothing"])).toEqual([true, true, false, true]);
    await store.records("other").update([ids[1]!, ids[2]!]);
    await store.delete({ ids: [ids[1]!] });
    expect(await store.records("other").list()).toEqual([ids[2]]);
    expect(await book.exists([ids[1]!])).toEqual([false]);
    await book.delete([ids[0]!, "unknown"]);
    expect(await book.exists([ids[0]!])).toEqual([false]);
    expect(await book.list()).toEqual(["nothing"]);
    await store.delete({ ids: ["nothing"] });
    expect(await book.list()).toEqual([]);
    await book.update([ids[3]!]);
    await store.delete({ filter: { n: 3 } });
    expect(await book.exists([ids[3]!])).toEqual([false]);
  });

  it("lists by time and group, both ends left out", async () => {
    const { store, ids } = await filled();
    const book = store.records("docs");
    await book.update(ids.slice(0, 5), { groups: ["a", "a", "b", null, "c"] });
    const middle = await book.time();
    await book.update(ids.slice(5, 8));
    expect(await book.list({ before: middle })).toEqual(ids.slice(0, 5).sort());
    expect(await book.list({ after: middle })).toEqual(ids.slice(5, 8).sort());
    expect(await book.list({ groups: ["a", "c"] })).toEqual([ids[0]!, ids[1]!, ids[4]!].sort());
    expect(await book.list({ groups: [null], before: middle })).toEqual([ids[3]]);
    expect(await book.list({ groups: [] })).toEqual([]);
    expect(await book.list({}, 3)).toEqual(ids.slice(0, 8).sort().slice(0, 3));
    expect(await book.list({}, 0)).toEqual([]);
    // Brought up to date, an old entry is a new one.
    await book.update([ids[0]!], { groups: ["d"] });
    expect(await book.list({ before: middle })).toEqual(ids.slice(1, 5).sort());
    expect(await book.list({ groups: ["a"] })).toEqual([ids[1]]);
  });

  it("enters keys at a time of the caller's clock", async () => {
    const { store, ids } = await filled();
    const book = store.records("docs");
    await book.update([ids[0]!], { time: 1_000 });
    await book.update([ids[1]!], { time: 2_000.4, timeAtLeast: 2_000.4 });
    expect(await book.list({ before: 2_000 })).toEqual([ids[0]]);
    expect(await book.list({ after: 1_000, before: 2_001 })).toEqual([ids[1]]);
    await expect(book.update([ids[2]!], { time: 1_500, timeAtLeast: 1_501 })).rejects.toThrow(RangeError);
    for (const time of [Number.NaN, -1, "now", 1e300]) {
      await expect(book.update([ids[2]!], { time: time as number })).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
      });
    }
    expect(await book.list()).toHaveLength(2);
    expect(await book.time()).toBeGreaterThan(2_000);
  });

  it("tells a time that never comes twice, and that is never before an entry", async () => {
    const { store, file, ids } = await filled();
    const book = store.records("docs");
    const times: number[] = [];
    for (let i = 0; i < 50; i++) times.push(await book.time());
    expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
    await book.update(ids);
    const other = (await openStore(file, { embedder: fakeEmbedder() })).records("docs");
    expect(await other.list({ before: await other.time() })).toHaveLength(ids.length);
    await expect(book.update(ids, { timeAtLeast: Date.now() + 1e9 })).rejects.toThrow(RangeError);
  });

  it("is one of many, and survives being closed", async () => {
    const { store, file, ids } = await filled();
    await store.records("one").update([ids[0]!]);
    await store.records("two").update([ids[1]!, ids[2]!]);
    await store.close();
    const again = await openStore(file, { embedder: fakeEmbedder() });
    expect(await again.records("one").list()).toEqual([ids[0]]);
    expect(await again.records("two").list()).toEqual([ids[1]!, ids[2]!].sort());
    expect((await again.verify()).problems).toEqual([]);
  });

  it.each([511, 512, 513])("takes %i keys in one go", async (count) => {
    const { store } = await filled();
    const keys = Array.from({ length: count }, (_, i) => `key ${String(i).padStart(4, "0")}`);
    const book = store.records("many");
    await book.update(keys);
    expect(await book.list()).toEqual(keys);
    await book.delete(keys.slice(1));
    expect(await book.list()).toEqual(keys.slice(0, 1));
  });
});

it("refuses what is no key, no name and no list of groups, and everything once the store is closed", async () => {
  const { store, ids } = await filled();
  expect(() => store.records("")).toThrow(/namespace/);
  const book = store.records("docs");
  await expect(book.update([""])).rejects.toMatchObject({ code: "INVALID_ID" });
  await expect(book.update([ids[0]!], { groups: [] })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  expect(await book.list()).toEqual([]);
  await store.close();
  await expect(book.time()).rejects.toMatchObject({ code: "CLOSED" });
});

it("reports a damaged row where it is met, and in verify", async () => {
  const { store, file, ids } = await filled();
  await store.records("docs").update([ids[0]!, ids[1]!]);
  tamper(file, (raw) => raw.prepare("UPDATE records SET group_id = ? WHERE key = ?").run("x", ids[0]!));
  await expect(store.records("docs").list()).rejects.toMatchObject({ code: "CORRUPT" });
  expect((await store.verify()).problems.join()).toContain("records");
});

it("lists all of them or says that one is damaged, whichever pointer to a row leads elsewhere", async () => {
  const { store, file, ids } = await filled();
  await store.records("docs").update(ids, { groups: ids.map((_, i) => (i % 2 ? "odd" : null)) });
  const whole = await store.records("docs").list({ groups: ["odd"] });
  await store.close();
  const page = tamper(file, (raw) => {
    const row = raw.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'records'").get();
    return (row as { rootpage: number }).rootpage;
  });
  const sound = readFileSync(file);
  const first = (page - 1) * sound.readUInt16BE(16) + 8; // behind the head of a leaf
  const answers: string[] = [];
  for (let at = first; at < first + 2 * ids.length; at++) {
    const damaged = Buffer.from(sound);
    damaged[at]! ^= 0xff;
    writeFileSync(file, damaged);
    const mutant = await openStore(file, { embedder: fakeEmbedder(), readOnly: true });
    const listed = mutant.records("docs").list({ groups: ["odd"] });
    answers.push(
      await listed.then(
        (keys) => keys.join(),
        (error) => error.code,
      ),
    );
    await mutant.close();
  }
  expect(answers.filter((answer) => answer !== "CORRUPT" && answer !== whole.join())).toEqual([]);
  expect(answers.filter((answer) => answer === "CORRUPT").length).toBeGreaterThan(ids.length);
});
