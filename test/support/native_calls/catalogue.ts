/** Every function, method and getter of the addon, and valid arguments for each. */

import { EmbedlessError } from "../../../src/base/errors.js";
import type {
  NativeAddon,
  NativeCoder,
  NativeGraph,
  NativeIndex,
  NativeSearch,
  Progress,
  SavedGraph,
  StopFlag,
} from "../../../src/native/surface.js";
import { below, choose, pick, type Random } from "./junk.js";

/** Length of all vectors. */
const DIMS = 12;
/** Nodes of an index at most; a larger one is replaced. */
const MOST_NODES = 400;

export interface Objects {
  coder: NativeCoder[];
  index: NativeIndex[];
  graph: NativeGraph[];
  search: NativeSearch[];
  stop: StopFlag[];
  progress: Progress[];
}

export type Kind = keyof Objects;

export interface Fixture {
  addon: NativeAddon;
  objects: Objects;
  codebooks: Uint8Array[];
  graphs: SavedGraph[];
}

/** Vectors of random numbers. */
export function vectors(random: Random, n: number): Float32Array {
  return Float32Array.from({ length: n * DIMS }, () => random() * 2 - 1);
}

const FORMS = ["float32", "float16", "lvq8", "int8"] as const;
const METRICS = ["cosine", "ip", "l2"] as const;

/** Objects of every kind, freshly made. */
export async function makeFixture(addon: NativeAddon, random: Random): Promise<Fixture> {
  const trained = await Promise.all(
    ([{ bytes: 4 }, "lvq8", "lvq4x8", { leanvec: { dims: 5, primary: "lvq4", training: "pca" } }] as const).map(
      (code) => addon.trainCodebook(vectors(random, 60), { dims: DIMS, metric: pick(random, METRICS), code }),
    ),
  );
  const plain = FORMS.map((form) => addon.createVectorCoder(form, DIMS, pick(random, METRICS)));
  const coders = [...trained, ...plain, addon.createEmptyCoder(DIMS, pick(random, METRICS))];
  const index = await Promise.all(coders.map((coder) => filled(addon, coder, random)));
  const graph = await Promise.all([
    addon.buildGraph(index[4]!, { kind: "vamana", maxDegree: 6, buildWindow: 10, threads: 1 }),
    addon.buildGraph(index[5]!, { kind: "hnsw", M: 3, efConstruction: 10, threads: 1 }),
  ]);
  const options = { k: 3, recall: 0.9, batch: 2, cap: 20, pool: 20 };
  const search = await Promise.all(index.slice(0, 8).map((each) => each.search(vectors(random, 1), options)));
  return {
    addon,
    objects: {
      coder: coders,
      index: [...index, addon.createIndex(pick(random, coders))],
      graph,
      search,
      stop: [new addon.StopFlag(), new addon.StopFlag()],
      progress: [new addon.Progress()],
    },
    codebooks: trained.map((coder) => coder.save()),
    graphs: await Promise.all(graph.map((each) => each.save())),
  };
}

async function filled(addon: NativeAddon, coder: NativeCoder, random: Random): Promise<NativeIndex> {
  const index = addon.createIndex(coder, { order: pick(random, ["scan", "walk"] as const) });
  const count = 70;
  index.publish(coder.kind === "none" ? { nodes: count } : { rows: await coder.encode(vectors(random, count)) });
  index.publish({ dead: Uint32Array.of(1, 66) });
  return index;
}

/** Keeps what a call made for later calls. */
export function adopt({ objects }: Fixture, made: unknown, random: Random): void {
  if (typeof made !== "object" || made === null) return;
  const name = made.constructor.name;
  const kind = Object.keys(KIND_OF).find((each) => KIND_OF[each as Kind] === name) as Kind | undefined;
  if (kind === undefined) return;
  const list = objects[kind] as object[];
  if (list.length < 24) list.push(made);
  else list[below(random, list.length)] = made;
  objects.index = objects.index.filter((index) => index.count <= MOST_NODES);
}

/** Names of the native classes. */
export const KIND_OF: Readonly<Record<Kind, string>> = {
  coder: "Coder",
  index: "Index",
  graph: "Graph",
  search: "Search",
  stop: "StopFlag",
  progress: "Progress",
};

export interface Entry {
  /** On which kind of object; left out: a function of the addon. */
  on?: Kind;
  getter?: true;
  promise?: true;
  /** Called by `new`. */
  constructs?: true;
  /** How often it is chosen; 1 unless said. */
  weight?: number;
  /** Valid arguments for a call on `self`. */
  args(fixture: Fixture, random: Random, self: never): unknown[];
}

const none = () => [];
const getters = (on: Kind, names: string[]): [string, Entry][] =>
  names.map((name) => [`${on}.${name}`, { on, getter: true, weight: 0.3, args: none }]);

const maybe = <T extends object>(random: Random, options: T): Partial<T> =>
  Object.fromEntries(
    choose(Object.entries(options), below(random, 1 + Object.keys(options).length), random),
  ) as Partial<T>;

const stopOf = ({ addon, objects }: Fixture, random: Random) =>
  below(random, 4) === 0 ? pick(random, objects.stop) : new addon.StopFlag();

const bits = (random: Random) => Uint8Array.from({ length: below(random, 12) }, () => below(random, 256));

function searchOptions(fixture: Fixture, random: Random): object {
  const { graph } = fixture.objects;
  return {
    ...{
      k: 1 + below(random, 12),
      recall: 0.01 + 0.99 * random(),
      batch: 1 + below(random, 9),
      cap: below(random, 40),
    },
    pool: 1 + below(random, 90),
    ...maybe(random, {
      scores: pick(random, ["exact", "approx"]),
      sigmaScale: 0.5 + random(),
      leastChance: 0.01 + 0.99 * random(),
      filter: bits(random),
      threads: 1 + below(random, 3),
      stop: stopOf(fixture, random),
      ratio: 0.01 + random() * 0.99,
      strategy: pick(random, ["global", "local", "proportional"]),
      searchWindow: 1 + below(random, 60),
    }),
    ...(below(random, 2) === 0 && {
      mode: pick(random, ["scan", "guided", "exact", "two-level"]),
      graph: pick(random, graph),
    }),
  };
}

/** Calls may take the memory of their arguments away. */
const copyOf = ({ header, blocks }: SavedGraph): SavedGraph => ({
  header: header.slice(),
  blocks: blocks.map((block) => block.slice()),
});

function graphRun(fixture: Fixture, random: Random): object {
  const options = {
    threads: 1 + below(random, 3),
    progress: pick(random, fixture.objects.progress),
    stop: stopOf(fixture, random),
  };
  return maybe(random, options);
}

function graphOptions(fixture: Fixture, random: Random): object {
  const vamana = {
    alpha: 1 + random(),
    maxDegree: 4 + below(random, 9),
    buildWindow: 1 + below(random, 20),
    passes: 1,
  };
  const more = { maxCandidates: 1 + below(random, 30), pruneTo: 4, fullSearchHistory: below(random, 2) === 0 };
  const hnsw = { M: 2 + below(random, 6), efConstruction: 1 + below(random, 20), seed: below(random, 99) };
  const shape =
    below(random, 2) === 0 ? { kind: "vamana", ...maybe(random, { ...vamana, ...more }) } : { kind: "hnsw", ...hnsw };
  return { ...shape, ...graphRun(fixture, random) };
}

function publication(random: Random, index: NativeIndex): unknown[] {
  const dead = Uint32Array.from({ length: below(random, 4) }, () => below(random, index.count + 1));
  if (index.coder.kind === "none") return [{ nodes: below(random, 40), dead }];
  const count = below(random, 20);
  const exceptions = new Uint8Array(index.coder.kind === "pq" && count > 0 ? 8 : 0);
  const rows = Uint8Array.from({ length: count * index.coder.rowBytes }, () => below(random, 256));
  return [{ rows: { rows, exceptions }, dead, release: below(random, 2) === 0 }];
}

function feeding(random: Random, search: NativeSearch): unknown[] {
  const wants = search.wants();
  const gone = wants.filter(() => below(random, 5) === 0);
  const found = wants.filter((node) => !gone.includes(node));
  return [found, vectors(random, found.length), gone];
}

const CODES = [
  ...[{ bytes: 2 }, "lvq4", "lvq8", "lvq4x8", undefined],
  ...[
    { leanvec: { dims: 4, primary: "lvq8", training: "pca" } },
    { leanvec: { dims: 4, primary: "lvq4", training: "ood" } },
  ],
];

/** All there is to call, by name. */
export const CATALOGUE: Readonly<Record<string, Entry>> = {
  trainCodebook: {
    promise: true,
    weight: 0.05,
    args: (fixture, random) => {
      const code = pick(random, CODES);
      const fitted = JSON.stringify(code ?? "").includes("ood") && { queries: vectors(random, 20) };
      const options = {
        metric: pick(random, METRICS),
        ...maybe(random, { threads: 2, stop: stopOf(fixture, random), seed: 3 }),
      };
      return [vectors(random, 30), { dims: DIMS, code, ...options, ...fitted }];
    },
  },
  loadCodebook: { args: ({ codebooks }, random) => [pick(random, codebooks).slice()] },
  createVectorCoder: { args: (_, random) => [pick(random, FORMS), DIMS, pick(random, METRICS)] },
  createEmptyCoder: { args: (_, random) => [DIMS, pick(random, METRICS)] },
  createIndex: {
    args: ({ objects }, random) => [
      pick(random, objects.coder),
      ...(below(random, 2) === 0 ? [{ order: pick(random, ["scan", "walk"]) }] : []),
    ],
  },
  buildGraph: {
    promise: true,
    weight: 0.3,
    args: (fixture, random) => [pick(random, fixture.objects.index), graphOptions(fixture, random)],
  },
  loadGraph: {
    promise: true,
    args: ({ graphs }, random) => [
      copyOf(pick(random, graphs)),
      ...(below(random, 2) === 0 ? [{ lists: pick(random, ["flat", "packed"]) }] : []),
    ],
  },
  score: { args: (_, random) => [pick(random, METRICS), vectors(random, 1), vectors(random, 1)] },
  instructionSets: { weight: 0.2, args: none },
  activeInstructionSet: { weight: 0.2, args: none },
  hasByteProducts: { weight: 0.2, args: none },
  forceInstructionSet: {
    weight: 0.3,
    args: ({ addon }, random) => [pick(random, [undefined, ...addon.instructionSets().map(({ name }) => name)])],
  },
  timeScan: {
    promise: true,
    weight: 0.3,
    args: ({ objects }, random) => [
      pick(random, objects.index),
      vectors(random, 1),
      { pool: 1 + below(random, 50), rounds: 1 + below(random, 3), ...maybe(random, { threads: below(random, 3) }) },
    ],
  },
  useErrorClass: { weight: 0.1, args: () => [EmbedlessError] },
  StopFlag: { constructs: true, weight: 0.3, args: none },
  Progress: { constructs: true, weight: 0.3, args: none },

  ...Object.fromEntries(getters("coder", ["kind", "dims", "metric", "rowBytes", "rho"])),
  "coder.save": { on: "coder", args: none },
  "coder.encode": { on: "coder", promise: true, args: (_, random) => [vectors(random, below(random, 20))] },
  "coder.decode": {
    on: "coder",
    args: (_, random, coder: NativeCoder) => [
      Uint8Array.from({ length: coder.rowBytes * below(random, 9) }, () => below(random, 256)),
      new Uint8Array(),
    ],
  },

  ...Object.fromEntries(getters("index", ["count", "live", "memoryBytes"])),
  "index.publish": { on: "index", args: (_, random, index: NativeIndex) => publication(random, index) },
  "index.search": {
    on: "index",
    promise: true,
    weight: 3,
    args: (fixture, random) => [vectors(random, 1), searchOptions(fixture, random)],
  },
  "index.nearest": {
    on: "index",
    args: ({ objects }, random) => [
      vectors(random, 1),
      {
        ...{ k: 1 + below(random, 9), graph: pick(random, objects.graph) },
        ...maybe(random, { filter: bits(random), searchWindow: 1 + below(random, 50) }),
      },
    ],
  },
  "index.vectors": {
    on: "index",
    args: (_, random, index: NativeIndex) => [
      Uint32Array.from({ length: below(random, 9) }, () => below(random, index.count)),
    ],
  },
  "index.liveBits": { on: "index", args: none },

  ...Object.fromEntries(getters("graph", ["kind", "count", "layers", "edges", "maxDegree", "memoryBytes"])),
  "graph.neighbors": { on: "graph", args: (_, random, graph: NativeGraph) => [below(random, graph.count)] },
  "graph.save": { on: "graph", promise: true, args: none },
  ...Object.fromEntries(
    ["extend", "repair"].map((name): [string, Entry] => [
      `graph.${name}`,
      {
        on: "graph",
        promise: true,
        weight: 0.5,
        args: (fixture, random) => [pick(random, fixture.objects.index), graphRun(fixture, random)],
      },
    ]),
  ),
  "graph.renumber": {
    on: "graph",
    promise: true,
    args: (_, __, graph: NativeGraph) => [Uint32Array.from({ length: graph.count }, (_, node) => node)],
  },
  "graph.thin": {
    on: "graph",
    promise: true,
    weight: 0.5,
    args: (fixture, random) => [
      pick(random, fixture.objects.index),
      {
        ...(below(random, 2) === 0 ? { degree: 1 + below(random, 9) } : { bytes: random() * 20 }),
        ...maybe(random, { method: pick(random, ["prune", "hubs", "random"]), hubShare: random(), seed: 4 }),
        ...graphRun(fixture, random),
      },
    ],
  },

  ...Object.fromEntries(getters("search", ["done", "scanned"])),
  "search.wants": { on: "search", args: none },
  "search.raise": { on: "search", weight: 1, args: (_, random) => [0.01 + 0.99 * random()] },
  "search.feed": { on: "search", weight: 2, args: (_, random, search: NativeSearch) => feeding(random, search) },
  "search.result": { on: "search", args: none },

  "stop.stop": { on: "stop", weight: 0.2, args: none },
  ...Object.fromEntries(getters("progress", ["done", "total"])),
};

/** What the addon offers and the catalogue lacks. */
export function missingFromCatalogue({ addon, objects }: Fixture): string[] {
  const offered = Object.keys(addon);
  for (const [kind, [first]] of Object.entries(objects) as [Kind, object[]][]) {
    const members = Object.getOwnPropertyNames(Object.getPrototypeOf(first));
    offered.push(...members.filter((name) => name !== "constructor").map((name) => `${kind}.${name}`));
  }
  return offered.filter((name) => !Object.hasOwn(CATALOGUE, name));
}
