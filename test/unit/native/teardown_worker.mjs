// One endless piece of native work in this environment, told by argument; says "busy" once it is under way.
import { createRequire } from "node:module";
import { isMainThread, parentPort, workerData } from "node:worker_threads";

const [file, work, ending] = isMainThread ? process.argv.slice(2) : workerData;
const addon = createRequire(import.meta.url)(file);

const dims = 128;

function vectors(n) {
  const all = new Float32Array(n * dims);
  let state = 1;
  for (let i = 0; i < all.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    all[i] = state / 2 ** 32 - 0.5;
  }
  return all;
}

/** An index of many nodes from few encoded ones: enough for searches to use threads. */
async function bigIndex(coder) {
  const { rows } = await coder.encode(vectors(512));
  const index = addon.createIndex(coder);
  const repeated = { rows: new Uint8Array(128 * rows.length), exceptions: new Uint8Array() };
  for (let i = 0; i < 128; i++) repeated.rows.set(rows, i * rows.length);
  for (let i = 0; i < 2; i++) index.publish({ rows: repeated });
  return index;
}

const coder = addon.createVectorCoder("float16", dims, "cosine");

async function manyVectors(count = 40_000) {
  const index = addon.createIndex(coder, { order: "walk" });
  index.publish({ rows: await coder.encode(vectors(count)) });
  return index;
}

async function smallGraph() {
  const index = await manyVectors(4_000);
  return { index, graph: await addon.buildGraph(index, { kind: "vamana", maxDegree: 16, buildWindow: 20 }) };
}

const query = vectors(1);
const options = { k: 10, eps: 1, batch: 8, cap: 64, pool: 400 };

/** Each starts work that takes a second at least; most leave several pieces waiting behind it. */
const works = {
  trainCodebook: async () => {
    const sample = vectors(10_000);
    return () => addon.trainCodebook(sample, { dims, metric: "cosine", code: { bytes: 128 }, threads: 2 });
  },
  encode: async () => {
    const coder = addon.createVectorCoder("int8", dims, "cosine");
    const trained = await addon.trainCodebook(vectors(300), { dims, metric: "cosine", code: { bytes: 64 } });
    const many = vectors(40_000);
    return () => [coder.encode(many), trained.encode(many)];
  },
  search: async () => {
    const index = await bigIndex(addon.createVectorCoder("int8", dims, "cosine"));
    return () => Array.from({ length: 500 }, () => index.search(query, options));
  },
  timeScan: async () => {
    const index = await bigIndex(addon.createVectorCoder("int8", dims, "cosine"));
    return () => Array.from({ length: 10 }, () => addon.timeScan(index, query, { pool: 400, rounds: 10_000 }));
  },
  buildGraph: async () => {
    const index = await manyVectors();
    return () => ["vamana", "hnsw"].map((kind) => addon.buildGraph(index, { kind, threads: 2 }));
  },
  extend: async () => {
    const { index, graph } = await smallGraph();
    index.publish({ rows: await coder.encode(vectors(40_000)) });
    return () => [1, 2].map(() => graph.extend(index, { threads: 2 }));
  },
  repair: async () => {
    const { index, graph } = await smallGraph();
    index.publish({ dead: Uint32Array.from({ length: 2_000 }, (_, i) => 2 * i) });
    return () => Array.from({ length: 100 }, () => graph.repair(index, { threads: 2 }));
  },
  thin: async () => {
    const { index, graph } = await smallGraph();
    return () => Array.from({ length: 300 }, () => graph.thin(index, { degree: 8, threads: 2 }));
  },
  renumber: async () => {
    const { graph } = await smallGraph();
    const numbers = Uint32Array.from({ length: graph.count }, (_, i) => i);
    return () => Array.from({ length: 5_000 }, () => graph.renumber(numbers));
  },
  save: async () => {
    const { graph } = await smallGraph();
    return () => Array.from({ length: 2_000 }, () => graph.save());
  },
  loadGraph: async () => {
    const saved = await (await smallGraph()).graph.save();
    return () => Array.from({ length: 2_000 }, () => addon.loadGraph(saved, { lists: "flat" }));
  },
  guided: async () => {
    const { index, graph } = await smallGraph();
    const walk = { ...options, mode: "guided", graph, searchWindow: 4_000 };
    return () => Array.from({ length: 1_000 }, () => index.search(query, walk));
  },
};

const start = await works[work]();
const pending = start();
Promise.all([pending].flat()).then(() => console.log("finished"));
// Long enough for the work to be in its loops, short against what it takes.
setTimeout(() => {
  if (!isMainThread) parentPort.postMessage("busy");
  else if (ending === "exit") process.exit(0);
  else if (ending === "wait") return;
  else throw new Error("the planned end");
}, 50);
