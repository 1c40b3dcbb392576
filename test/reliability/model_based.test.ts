// Random operations on a store, through two handles, against a plain model in memory. The seeds are fixed.
import { expect, test } from "vitest";
import type { AddItem, OpenOptions, SearchOptions, VectorStore } from "../../src/index.js";
import { choose, seeded } from "../support/seeded.js";
import { openStore, temporaryFile } from "../support/store.js";
import { StoreModel } from "../support/store_model.js";
import { seedOf, tableEmbedder } from "../support/table_embedder.js";

const DIMS = 8;
const OPERATIONS = 40;

const KINDS: readonly OpenOptions[] = [
  { index: "vamana" },
  { index: "hnsw", metric: "l2" },
  { index: "vamana", codes: "none" },
  { index: "vamana", vectors: "float32", vectorsIn: "memory" },
  { index: "hnsw", vectors: "float16", vectorsIn: "memory", metric: "ip" },
  { index: "vamana", vectors: "float32", vectorsIn: "file", codes: "none" },
  { index: "vamana", vectors: "lvq8", vectorsIn: "memory", codes: "lvq8", metric: "l2" },
  { vectors: "float32", vectorsIn: "memory", metric: "ip" },
];

/** What rounding costs the score of vectors of length 1. */
const TOLERANCE = { float32: 1e-5, float16: 4e-3, lvq8: 4e-2, recompute: 1e-5 };

const vectors = new Map<string, Float32Array>();
function vectorOf(text: string): Float32Array {
  const known = vectors.get(text);
  if (known) return known;
  const random = seeded(seedOf(text));
  const drawn = Float32Array.from({ length: DIMS }, () => random() + random() + random() - 1.5);
  const length = Math.hypot(...drawn);
  const vector = drawn.map((value) => value / length);
  vectors.set(text, vector);
  return vector;
}

/** One course of operations; it ends with a comparison of all that is stored. */
class Episode {
  readonly #random: () => number;
  readonly #options: OpenOptions;
  readonly #file: string;
  readonly #model: StoreModel;
  readonly #handles: VectorStore[] = [];
  readonly #done: string[] = [];

  constructor(seed: number, options: OpenOptions, file: string) {
    this.#random = seeded(seed);
    const { metric = "cosine", vectors: form = "recompute", codes } = options;
    this.#options = { durability: "normal", metric, ...options, embedder: tableEmbedder(DIMS, vectorOf) };
    this.#file = file;
    // Without codes passages wait for the graph as float16.
    this.#model = new StoreModel(
      metric,
      vectorOf,
      TOLERANCE[codes === "none" && form === "recompute" ? "float16" : form],
    );
  }

  async run(): Promise<void> {
    for (let i = 0; i < 2; i++) this.#handles.push(await openStore(this.#file, this.#options));
    for (let i = 0; i < OPERATIONS; i++) {
      const which = this.#below(2);
      const store = this.#handles[which]!;
      const other = this.#handles[1 - which]!;
      const draw = this.#random();
      if (draw < 0.22) await this.#add(store);
      else if (draw < 0.4) await this.#delete(store);
      else if (draw < 0.52) await this.#note("compact", () => store.compact());
      else if (draw < 0.6) await this.#together(store, other);
      else if (draw < 0.72) await this.#reopen(which);
      else await this.#search(store);
    }
    for (const store of this.#handles) await this.#compareAll(store);
    expect(this.#model.recall).toBeGreaterThan(0.9);
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  /** A failure tells what came before it. */
  async #note<T>(what: string, work: () => Promise<T>): Promise<T> {
    this.#done.push(what);
    try {
      return await work();
    } catch (error) {
      throw new Error(`${(error as Error).message} After ${this.#done.join(", ")}.`, { cause: error });
    }
  }

  async #add(store: VectorStore): Promise<void> {
    const first = this.#below(150);
    const count = 1 + this.#below(this.#random() < 0.2 ? 120 : 15);
    const items: AddItem[] = Array.from({ length: count }, (_, i) => {
      return { id: `p${first + i}`, text: `text ${first + i} of form ${this.#below(3)}` };
    });
    await this.#note(`add ${count} from ${first}`, () => store.add(items));
    this.#model.add(items);
  }

  async #delete(store: VectorStore): Promise<void> {
    const ids = [...this.#model.texts.keys()];
    const draw = this.#random();
    // The newest have the last nodes, whose rows are the ones that a reopened store lacks.
    const gone =
      draw < 0.1 ? ids : draw < 0.6 ? ids.slice(-this.#below(60) - 1) : choose(ids, this.#below(20), this.#random);
    await this.#note(`delete ${gone.length} of ${ids.length}`, () => store.delete({ ids: gone }));
    this.#model.delete(gone);
  }

  async #together(store: VectorStore, other: VectorStore): Promise<void> {
    await this.#note("while the other compacts:", async () => {
      const both = [store.compact(), this.#random() < 0.5 ? this.#add(other) : this.#delete(other)];
      await Promise.all([...both, store.search("meanwhile", { k: 5 })]);
    });
  }

  async #reopen(which: number): Promise<void> {
    await this.#note("reopen", async () => {
      await this.#handles[which]!.close();
      this.#handles[which] = await openStore(this.#file, this.#options);
    });
  }

  async #search(store: VectorStore): Promise<void> {
    // Without codes there are estimates only where vectors are in memory.
    const { codes, vectorsIn } = this.#options;
    const walks: SearchOptions["walk"][] = [undefined, { mode: "exact" }];
    if (codes !== "none" || vectorsIn === "memory") walks.push("scan", { mode: "guided" });
    const walk = walks[this.#below(walks.length)];
    const k = this.#random() < 0.5 ? 10 : 400;
    const question = `question ${this.#below(1000)}`;
    const options = { k, recall: 0.999, explain: true, ...(walk && { walk }) };
    const result = await this.#note(`search ${JSON.stringify(walk ?? "")} ${k}`, () => store.search(question, options));
    expect([this.#done.join(", "), this.#model.problemsOf(question, k, result)]).toEqual([this.#done.join(", "), []]);
  }

  async #compareAll(store: VectorStore): Promise<void> {
    const listed: [string, string][] = [];
    for await (const { id, text } of store.passages()) listed.push([id, text]);
    expect(listed.sort()).toEqual([...this.#model.texts].sort());
    await this.#search(store);
    expect((await store.verify()).problems).toEqual([]);
  }
}

test.each(KINDS.map((options, seed) => ({ name: JSON.stringify(options), options, seed })))(
  "$name",
  async ({ options, seed }) => {
    for (const salt of [1, 2, 3])
      await new Episode(100 * seed + salt, options, await temporaryFile(`${salt}.db`)).run();
  },
);
