import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { openStore, temporaryFile } from "../../support/store.js";

const WRITER = fileURLToPath(new URL("../../../dist/test/support/writer.js", import.meta.url));
const ROUNDS = 15;
const PER_ROUND = 20;

function startWriter(file: string, name: string): ChildProcess {
  const args = [WRITER, file, name, String(ROUNDS), String(PER_ROUND)];
  return spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
}

test("two processes write in turns while this one reads: nothing is lost, halved or seen too late", async () => {
  const file = await temporaryFile();
  const reader = await openStore(file, { embedder: fakeEmbedder() });
  const acknowledged: string[] = [];
  const writers = ["ada", "bob"].map((name) => startWriter(file, name));
  for (const writer of writers) {
    createInterface({ input: writer.stdout! }).on("line", (line) => {
      const { name, round } = JSON.parse(line) as { name: string; round: number };
      acknowledged.push(`${name}-${round}`);
    });
  }
  const ended = Promise.all(writers.map((writer) => once(writer, "exit")));
  let over = false;
  ended.then(() => {
    over = true;
  });
  let looks = 0;
  while (!over) {
    const known = [...acknowledged];
    const [name, round] = (known.at(-1) ?? "nobody-0").split("-");
    const text = `Writer ${name} wrote line 7 of round ${round}.`;
    const { hits } = await reader.search(text, { k: 1, recall: 0.999 });
    if (known.length > 0) expect(hits[0]).toMatchObject({ id: `${name}-${round}-7`, text });
    const wholeRounds = (await reader.count()) % PER_ROUND;
    expect(wholeRounds).toBe(0);
    looks++;
  }
  expect(await ended).toEqual([
    [0, null],
    [0, null],
  ]);
  expect(looks).toBeGreaterThan(3);
  expect(await reader.count()).toBe(2 * ROUNDS * PER_ROUND);
  const listed = new Set<string>();
  for await (const { id } of reader.passages()) listed.add(id);
  expect(listed.size).toBe(2 * ROUNDS * PER_ROUND);
  expect((await reader.verify()).problems).toEqual([]);
}, 120_000);

test.each(["file", "memory"] as const)(
  "kept vectors, read from %s, follow a process that adds",
  async (vectorsIn) => {
    const file = await temporaryFile();
    const reader = await openStore(file, { embedder: fakeEmbedder(), vectors: "float16", vectorsIn });
    await reader.add([{ id: "first", text: "The first passage makes the store." }]);
    await reader.search("The first passage");
    const writer = startWriter(file, "ada");
    const acknowledged: number[] = [];
    createInterface({ input: writer.stdout! }).on("line", (line) => {
      acknowledged.push((JSON.parse(line) as { round: number }).round);
    });
    let ended = false;
    const ending = once(writer, "exit").then(() => {
      ended = true;
    });
    for (let looks = 0; !ended || looks === 0; looks++) {
      const round = acknowledged.at(-1);
      if (round !== undefined && round % 3 === 0) await reader.delete({ ids: [`ada-${round}-0`] });
      const text = round === undefined ? "The first passage" : `Writer ada wrote line 7 of round ${round}.`;
      const { hits, cost } = await reader.search(text, { k: 1, recall: 0.999, explain: true });
      expect(cost.embedded).toBe(0);
      expect(hits[0]).toMatchObject({
        id: round === undefined ? "first" : `ada-${round}-7`,
        explain: { source: "kept" },
      });
    }
    await ending;
    expect(acknowledged.length).toBe(ROUNDS);
    expect((await reader.verify()).problems).toEqual([]);
  },
  60_000,
);

test("two stores of one process see each other's writes at their next search", async () => {
  const file = await temporaryFile();
  const [a, b] = [
    await openStore(file, { embedder: fakeEmbedder() }),
    await openStore(file, { embedder: fakeEmbedder() }),
  ];
  await a.add([{ id: "x", text: "The ferry leaves at nine." }]);
  expect((await b.search("ferry")).hits.map(({ id }) => id)).toEqual(["x"]);
  await b.add([
    { id: "x", text: "The ferry leaves at ten." },
    { id: "y", text: "The train leaves at ten." },
  ]);
  expect((await a.search("ferry at ten")).hits[0]).toMatchObject({ id: "x", text: "The ferry leaves at ten." });
  await a.delete({ ids: ["x"] });
  expect((await b.search("ferry")).hits.map(({ id }) => id)).toEqual(["y"]);
});

test("adds of one process at once take turns", async () => {
  const store = await openStore(await temporaryFile(), { embedder: fakeEmbedder({ delayMs: 2 }) });
  const adds = Array.from({ length: 8 }, (_, i) =>
    store.add(Array.from({ length: 30 }, (_, j) => ({ id: `${i}-${j}`, text: `Text ${j} of add ${i}.` }))),
  );
  const results = await Promise.all(adds);
  expect(results.map(({ added }) => added)).toEqual(new Array(8).fill(30));
  expect(await store.count()).toBe(240);
  expect((await store.verify()).problems).toEqual([]);
});
