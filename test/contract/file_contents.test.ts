import { readFile } from "node:fs/promises";
import { DatabaseSync } from "@photostructure/sqlite";
import { describe, expect, test } from "vitest";
import { minilm } from "../../src/index.js";
import { fakeEmbedder } from "../support/fake_embedder.js";
import { items, openStore, temporaryFile, texts } from "../support/store.js";

/** Tables and columns as `docs/file-format.md` names them. */
async function documented(): Promise<Map<string, string[]>> {
  const page = await readFile(new URL("../../docs/file-format.md", import.meta.url), "utf8");
  const rows = [...page.matchAll(/^\| `(\w+)` \| ([^|]+) \|/gm)];
  return new Map(
    rows.map(([, table, columns]) => [table!, [...columns!.matchAll(/`(\w+)`/g)].map(([, name]) => name!)]),
  );
}

/** Every table with its columns, whatever it is called; SQLite's own only if they hold data. */
function actual(database: InstanceType<typeof DatabaseSync>): Map<string, string[]> {
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all() as { name: string }[];
  return new Map(
    tables.map(({ name }) => {
      const columns = database.prepare("SELECT name FROM pragma_table_xinfo(?)").all(name) as { name: string }[];
      return [name, columns.map((column) => column.name)];
    }),
  );
}

function numberOf(database: InstanceType<typeof DatabaseSync>, sql: string): number {
  return (database.prepare(sql).get() as { n: number | null }).n ?? 0;
}

describe("a store of 4,500 passages", () => {
  test("holds nothing that docs/file-format.md does not name, and no embedding", async () => {
    const file = await temporaryFile();
    const store = await openStore(file, { embedder: fakeEmbedder({ dims: 384 }) });
    await store.add(items(4500));
    await store.close();
    const database = new DatabaseSync(file, { readOnly: true });
    expect(actual(database)).toEqual(await documented());
    expect(numberOf(database, "SELECT count(*) AS n FROM pending")).toBe(0);
    expect(numberOf(database, "SELECT count(*) AS n FROM canaries")).toBe(8);
    const sealed = numberOf(database, "SELECT sum(length(rows) + length(exceptions)) AS n FROM code_blocks");
    const live = numberOf(database, "SELECT sum(length(bits)) AS n FROM live_blocks WHERE block = 0");
    expect((sealed + live) / 4096).toBeLessThanOrEqual(51.2);
    const open = numberOf(database, "SELECT sum(length(rows) + length(exceptions)) AS n FROM code_open");
    expect(open / (4500 - 4096)).toBeLessThanOrEqual(51.2);
    expect(
      holdsVector(await readFile(file), (await fakeEmbedder({ dims: 384 }).embedDocuments(texts(1, 4321)))[0]!),
    ).toBe(false);
    database.close();
  }, 60_000);

  test("has at most 1,023 passages waiting for a codebook after each call on the way there", async () => {
    const file = await temporaryFile();
    const store = await openStore(file, { embedder: fakeEmbedder({ dims: 32 }) });
    const database = new DatabaseSync(file, { readOnly: true });
    for (const size of [900, 123, 1, 3572]) {
      await store.add(items(size, await store.count()));
      expect(numberOf(database, "SELECT count(*) AS n FROM pending")).toBeLessThanOrEqual(1023);
    }
    expect(await store.stats()).toMatchObject({ passages: 4596, pending: 0, codebook: "own" });
    database.close();
  }, 60_000);
});

test("with the bundled model nothing waits: codes exist from the first passage on", async () => {
  const file = await temporaryFile();
  const embedder = minilm();
  const store = await openStore(file, { embedder });
  await store.add(items(20));
  expect(await store.stats()).toMatchObject({ codebook: "shipped", pending: 0, codeBytesPerPassage: 51 });
  const { hits } = await store.search("What does the glacier do at dawn?", { k: 3 });
  const [question, ...passages] = await Promise.all([
    embedder.embedQuery("What does the glacier do at dawn?"),
    ...hits.map(async ({ text }) => (await embedder.embedDocuments([text]))[0]!),
  ]);
  hits.forEach(({ score }, i) => {
    const cosine = Array.from(question).reduce((sum, value, d) => sum + value * passages[i]![d]!, 0);
    expect(Math.abs(score - cosine)).toBeLessThan(1e-6);
  });
  await store.close();
  const bytes = await readFile(file);
  expect(holdsVector(bytes, passages[0]!)).toBe(false);
  await embedder.close?.();
}, 60_000);

test("the search for a vector in a file can find one", async () => {
  const [vector] = await fakeEmbedder().embedDocuments(["a"]);
  const bytes = Buffer.concat([Buffer.alloc(13), Buffer.from(Float32Array.from(vector!).buffer), Buffer.alloc(5)]);
  expect(holdsVector(bytes, vector!)).toBe(true);
});

/** Whether any eight neighbouring floats of the vector lie in the file. */
function holdsVector(file: Buffer, vector: ArrayLike<number>): boolean {
  const floats = Buffer.from(Float32Array.from(vector).buffer);
  for (let at = 0; at + 32 <= floats.length; at += 32) if (file.includes(floats.subarray(at, at + 32))) return true;
  return false;
}
