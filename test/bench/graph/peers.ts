import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { packagePath } from "../../../src/base/packages.js";
import { DATA_DIMS, rowOf } from "../../support/data.js";
import { type Engine, K, timed } from "./engine.js";

/** A library that could be loaded, and the settings of it that are measured. */
export interface Peer {
  readonly engine: string;
  readonly settings: readonly string[];
  build(vectors: Float32Array, setting: string): Promise<Engine>;
}

/** Neighbors of a node that hnswlib is built with (M): its default and one more; the faster counts at each recall. */
const CONNECTIVITY = [16, 24];
/** Window of the peers' builds: what hnswlib takes by default. */
const EF_CONSTRUCTION = 200;

const folder = packagePath("test", "bench", "peers");
const require = createRequire(path.join(folder, "package.json"));

/** How to install what the benchmark compares with. */
export const INSTALL = "npm ci --prefix test/bench/peers";

/** The peers that are installed, and the names of those that are not. */
export function loadPeers(): { peers: Peer[]; missing: string[] } {
  const known: readonly (readonly [engine: string, from: string, peer: (engine: string, from: string) => Peer])[] = [
    ["hnswlib-node", path.join(folder, "node_modules", "hnswlib-node"), hnswlibPeer],
    ["hnswlib-node -march=native", path.join(folder, "node_modules", ".native", "hnswlib-node"), hnswlibPeer],
    ["usearch", path.join(folder, "node_modules", "usearch"), usearchPeer],
  ];
  const peers = known.filter(([, from]) => existsSync(from)).map(([engine, from, peer]) => peer(engine, from));
  const missing = known.filter(([, from]) => !existsSync(from)).map(([engine]) => engine);
  return { peers, missing };
}

/** What is used of hnswlib-node. */
interface HnswlibModule {
  HierarchicalNSW: new (
    space: "cosine",
    dims: number,
  ) => {
    initIndex(maxElements: number, m: number, efConstruction: number, seed: number): void;
    addPoint(vector: number[], label: number): void;
    setEf(ef: number): void;
    searchKnn(query: number[], k: number): { neighbors: number[] };
    writeIndexSync(file: string): void;
  };
}

function hnswlibPeer(engine: string, from: string): Peer {
  const { HierarchicalNSW } = require(from) as HnswlibModule;
  return {
    engine,
    settings: CONNECTIVITY.map((m) => `hnsw M=${m} float32`),
    async build(vectors, setting) {
      const count = vectors.length / DATA_DIMS;
      const arrays = Array.from({ length: count }, (_, i) => Array.from(rowOf(vectors, i)));
      const { result: index, build } = await timed(() => {
        const made = new HierarchicalNSW("cosine", DATA_DIMS);
        made.initIndex(count, connectivityOf(setting), EF_CONSTRUCTION, 5);
        arrays.forEach((vector, i) => {
          made.addPoint(vector, i);
        });
        return made;
      });
      return {
        engine,
        index: setting,
        build,
        bytesPerVector: savedBytes((file) => index.writeIndexSync(file)) / count,
        prepare(queries) {
          const plain = queries.map((query) => Array.from(query));
          return (window) => {
            index.setEf(window);
            return (i) => index.searchKnn(plain[i]!, K).neighbors;
          };
        },
      };
    },
  };
}

interface UsearchIndex {
  add(keys: BigUint64Array, vectors: Float32Array, threads: number): void;
  search(query: Float32Array, k: number, threads: number): { keys: BigUint64Array };
  save(file: string): void;
  load(file: string): void;
}

/** What is used of usearch. */
interface UsearchModule {
  Index: new (options: {
    dimensions: number;
    metric: "cos";
    quantization: string;
    connectivity: number;
    expansion_add: number;
    expansion_search: number;
    multi: boolean;
  }) => UsearchIndex;
}

function usearchPeer(engine: string, from: string): Peer {
  const { Index } = require(from) as UsearchModule;
  const settings = ["f32", "f16"].map((kind) => `hnsw M=16 ${kind}`);
  return {
    engine,
    settings,
    async build(vectors, setting) {
      const count = vectors.length / DATA_DIMS;
      const make = (expansion_search: number) =>
        new Index({
          dimensions: DATA_DIMS,
          metric: "cos",
          quantization: setting.endsWith("f16") ? "f16" : "f32",
          connectivity: connectivityOf(setting),
          expansion_add: EF_CONSTRUCTION,
          expansion_search,
          multi: false,
        });
      const keys = BigUint64Array.from({ length: count }, (_, i) => BigInt(i));
      const { result: index, build } = await timed(() => {
        const made = make(64);
        made.add(keys, vectors, 1);
        return made;
      });
      // A window is fixed when an index is made, so that there is one for each, loaded from the same file.
      const saved = mkdtempSync(path.join(tmpdir(), "embedless-peer-"));
      const file = path.join(saved, "index");
      index.save(file);
      process.once("exit", () => rmSync(saved, { recursive: true, force: true }));
      const loaded = new Map<number, UsearchIndex>();
      const withWindow = (window: number): UsearchIndex => {
        const known = loaded.get(window);
        if (known) return known;
        const made = make(window);
        made.load(file);
        loaded.set(window, made);
        return made;
      };
      return {
        engine,
        index: setting,
        build,
        bytesPerVector: statSync(file).size / count,
        prepare(queries) {
          const own = queries.map((query) => query.slice());
          return (window) => {
            const one = withWindow(window);
            return (i) => one.search(own[i]!, K, 1).keys;
          };
        },
      };
    },
  };
}

function connectivityOf(setting: string): number {
  return Number(/M=(\d+)/.exec(setting)?.[1]);
}

/** Bytes of the file that an index is saved as: nothing else tells what it needs, and memory takes no less. */
function savedBytes(save: (file: string) => void): number {
  const saved = mkdtempSync(path.join(tmpdir(), "embedless-peer-"));
  try {
    save(path.join(saved, "index"));
    return statSync(path.join(saved, "index")).size;
  } finally {
    rmSync(saved, { recursive: true, force: true });
  }
}
