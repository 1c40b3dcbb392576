import { expect, it } from "vitest";
import type { SavedGraph } from "../../../src/native/surface.js";
import type { Database } from "../../../src/storage/database.js";
import { clearGraph, graphBytes, putGraph, readGraph } from "../../../src/storage/graph.js";
import { raiseVersion, readMeta, writeMeta } from "../../../src/storage/meta.js";
import { verifyTables } from "../../../src/storage/verify.js";
import { openDatabase } from "./temporary_store.js";

/** A graph of pieces of these lengths, each filled with its number and `seed`. */
function graphOf(lengths: readonly number[], seed = 0): SavedGraph {
  const [header, ...blocks] = lengths.map((length, n) => new Uint8Array(length).fill(n + seed));
  return { header: header!, blocks };
}

async function put(database: Database, graph: SavedGraph): Promise<void> {
  await database.write((tx) => {
    const version = raiseVersion(tx);
    writeMeta(tx, { nextNode: 7 });
    writeMeta(tx, { graph: putGraph(tx, graph, { nodes: 7, passages: 6, version }) });
  });
}

function stored(database: Database, from = 0): Uint8Array[] {
  return [...readGraph(database.reader, readMeta(database.reader).graph!, from)].map((piece) => new Uint8Array(piece));
}

it("gives a graph back as it was put, from any piece on", async () => {
  const database = await openDatabase();
  const graph = graphOf([24, 100, 0, 5000]);
  await put(database, graph);
  expect(readMeta(database.reader).graph).toEqual({ version: 1, nodes: 7, passages: 6, blocks: 4 });
  expect(stored(database)).toEqual([graph.header, ...graph.blocks]);
  expect(stored(database, 2)).toEqual(graph.blocks.slice(1));
  expect(graphBytes(database.reader)).toBe(5124);
});

it("replaces a graph by a smaller one, and removes it", async () => {
  const database = await openDatabase();
  await put(database, graphOf([24, 100, 300]));
  const smaller = graphOf([24, 90], 5);
  await put(database, smaller);
  expect(stored(database)).toEqual([smaller.header, ...smaller.blocks]);
  expect(graphBytes(database.reader)).toBe(114);
  await database.write((tx) => clearGraph(tx));
  expect(graphBytes(database.reader)).toBe(0);
});

it.each([
  ["another byte", "UPDATE graph_blocks SET bytes = x'ff' WHERE n = 1", /graph_blocks/],
  ["a missing block", "DELETE FROM graph_blocks WHERE n = 1", /graph_blocks.*is missing/],
  [
    "swapped blocks",
    "UPDATE graph_blocks SET n = 9 WHERE n = 1; UPDATE graph_blocks SET n = 1 WHERE n = 2",
    /graph_blocks/,
  ],
])("meets %s with CORRUPT, and verify says so", async (_, damage, message) => {
  const database = await openDatabase();
  await put(database, graphOf([24, 100, 100]));
  await database.write((tx) => tx.exec(damage));
  expect(() => stored(database)).toThrowError(expect.objectContaining({ code: "CORRUPT" }));
  const problems = [...verifyTables(database.reader)].filter((problem) => problem !== undefined);
  expect(problems.some((problem) => message.test(problem))).toBe(true);
});

it("verify finds blocks of no graph, and a graph of more nodes than there are", async () => {
  const database = await openDatabase();
  await put(database, graphOf([24, 100]));
  await database.write((tx) => writeMeta(tx, { nextNode: 5 }));
  expect([...verifyTables(database.reader)].join()).toMatch(/links 7 nodes, but 5 nodes were given out/);
  await database.write((tx) => tx.run("DELETE FROM meta WHERE key = 'graph'"));
  expect([...verifyTables(database.reader)].join()).toMatch(/blocks of a graph that is not named/);
});
