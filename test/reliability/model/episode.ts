import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type AddItem, type Filter, type OpenOptions, type SearchOptions, VectorStore } from "../../../src/index.js";
import { programPath } from "../../support/programs.js";
import { choose, seeded } from "../../support/seeded.js";
import { StoreModel } from "../../support/store_model.js";
import { directions, tableEmbedder } from "../../support/table_embedder.js";
import { drawFilter, drawMetadata, drawSearch, WORDS } from "./questions.js";
import type { Traits } from "./traits.js";

const OPERATIONS = 40;
/** What rounding costs the score of vectors of length 1. */
const TOLERANCE = { float32: 1e-5, float16: 4e-3, lvq8: 4e-2, recompute: 1e-5 };
/** Share of the true nearest that all answers of an episode hold together, asked for 0.999. */
const LEAST_RECALL = 0.9;

/** One course of random operations, through two handles and other processes; it ends with a comparison of all that is stored. */
export class Episode {
  readonly #random: () => number;
  readonly #options: OpenOptions;
  readonly #traits: Traits;
  readonly #file: string;
  readonly #model: StoreModel;
  readonly #handles: VectorStore[] = [];
  readonly #done: string[] = [];
  #copies = 0;

  constructor(seed: number, traits: Traits, file: string) {
    this.#random = seeded(seed);
    this.#traits = traits;
    const vectorOf = directions(traits.dims);
    const { metric = "cosine", vectors: form = "recompute", codes } = traits.options;
    const embedder = tableEmbedder(traits.dims, vectorOf);
    this.#options = { durability: "normal", lockTimeoutMs: 30_000, ...traits.options, metric, embedder };
    this.#file = file;
    // Without codes passages wait for the graph as float16.
    const kept = codes === "none" && form === "recompute" ? "float16" : form;
    this.#model = new StoreModel(metric, vectorOf, TOLERANCE[kept]);
  }

  /** Throws an error that says what happened, and what came before it. */
  async run(): Promise<void> {
    try {
      for (let i = 0; i < 2; i++) this.#handles.push(await VectorStore.open(this.#file, this.#options));
      for (let i = 0; i < OPERATIONS; i++) await this.#operate();
      for (const store of this.#handles) await this.#compareAll(store);
      if (this.#model.recall < LEAST_RECALL) throw new Error(`All answers together held ${this.#model.recall}.`);
    } catch (error) {
      const { message, code } = error as Error & { code?: string };
      const before = this.#done.join(", ");
      throw new Error(`${code ?? ""} ${message} After ${before}, in ${JSON.stringify(this.#traits)}.`, {
        cause: error,
      });
    } finally {
      for (const store of this.#handles) await store.close();
    }
  }

  async #operate(): Promise<void> {
    const which = this.#below(2);
    const store = this.#handles[which]!;
    const other = this.#handles[1 - which]!;
    const draw = this.#random();
    if (draw < 0.2) await this.#add(store);
    else if (draw < 0.34) await this.#delete(store);
    else if (draw < 0.44) await this.#note("compact", () => store.compact());
    else if (draw < 0.52) await this.#together(store, other);
    else if (draw < 0.61) await this.#reopen(which);
    else if (draw < 0.63) await this.#elsewhere();
    else if (draw < 0.66) await this.#copy(store);
    else if (draw < 0.71) await this.#list(store);
    else if (draw < 0.78) await this.#searchWords(store);
    else await this.#search(store);
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  async #note<T>(what: string, work: () => Promise<T>): Promise<T> {
    this.#done.push(what);
    return await work();
  }

  #expect(problems: readonly string[]): void {
    if (problems.length > 0) throw new Error(`Found ${problems.slice(0, 5).join("; ")}.`);
  }

  #draw(): AddItem[] {
    const { ids } = this.#traits;
    const first = this.#below(ids);
    const count = 1 + this.#below(this.#random() < 0.3 ? ids : 15);
    return Array.from({ length: count }, (_, i) => {
      const words = choose(WORDS, 2, this.#random).join(" ");
      const text = `text ${first + i} of form ${this.#below(3)} ${words}`;
      return { id: `p${first + i}`, text, metadata: drawMetadata(this.#random) };
    });
  }

  async #add(store: VectorStore): Promise<void> {
    const items = this.#draw();
    await this.#note(`add ${items.length} from ${items[0]!.id}`, () => store.add(items));
    this.#model.add(items);
  }

  async #delete(store: VectorStore): Promise<void> {
    if (this.#random() < 0.2) {
      const filter = drawFilter(this.#random);
      const gone = this.#model.idsOf(filter);
      await this.#note(`delete ${gone.length} by filter`, () => store.delete({ filter }));
      this.#model.delete(gone);
      return;
    }
    const ids = [...this.#model.passages.keys()];
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

  /** Options of a handle may differ from those that made the store, where they are the handle's own. */
  async #reopen(which: number): Promise<void> {
    const { cacheBytes = 0, vectorsIn = "file" } = this.#options;
    const own = { cacheBytes: this.#random() < 0.5 ? 0 : cacheBytes, preload: this.#random() < 0.3, vectorsIn };
    await this.#note("reopen", async () => {
      await this.#handles[which]!.close();
      this.#handles[which] = await VectorStore.open(this.#file, { ...this.#options, ...own });
    });
  }

  /** Another process adds passages and is gone. */
  async #elsewhere(): Promise<void> {
    const items = this.#draw().slice(0, 20);
    const { embedder: _, ...options } = this.#options;
    const args = [programPath("model_writer"), this.#file, JSON.stringify({ dims: this.#traits.dims, options, items })];
    await this.#note(`elsewhere add ${items.length} from ${items[0]!.id}`, () =>
      promisify(execFile)(process.execPath, args),
    );
    this.#model.add(items);
  }

  async #copy(store: VectorStore): Promise<void> {
    const file = `${this.#file}.copy${this.#copies++}`;
    await this.#note("copy", async () => {
      await store.backup(file);
      const copy = await VectorStore.open(file, { ...this.#options, readOnly: this.#random() < 0.5 });
      try {
        await this.#search(copy);
        await this.#list(copy);
      } finally {
        await copy.close();
      }
    });
  }

  async #list(store: VectorStore): Promise<void> {
    const filter = this.#random() < 0.5 ? drawFilter(this.#random) : undefined;
    const wanted = this.#model.idsOf(filter).sort();
    await this.#note("list", async () => {
      const count = await store.count(filter);
      const listed: string[] = [];
      for await (const { id } of store.passages(filter && { filter })) listed.push(id);
      if (count !== wanted.length || listed.sort().join() !== wanted.join())
        throw new Error(`Listed ${listed.length}, counted ${count} of ${wanted.length} by ${JSON.stringify(filter)}.`);
    });
  }

  async #search(store: VectorStore): Promise<void> {
    // Without codes there are estimates only where vectors are in memory.
    const { codes, vectorsIn } = this.#options;
    const estimates = codes !== "none" || vectorsIn === "memory";
    const walks: SearchOptions["walk"][] = [undefined, undefined, { mode: "exact" }];
    if (estimates) walks.push("scan", { mode: "guided" });
    const question = `question ${this.#below(1000)}`;
    const asked = drawSearch(this.#random, { walks, estimates });
    const { k = 10, walk, filter, recompute } = asked;
    const result = await this.#note(`search ${JSON.stringify(asked)}`, () => store.search(question, asked));
    const limited = recompute !== undefined;
    const fewer = limited && (codes === "none" || (typeof walk === "object" && walk.mode === "exact"));
    const judged = { k, filter: filter as Filter | undefined, limited, fewer };
    this.#expect(this.#model.problemsOf(question, judged, result));
  }

  async #searchWords(store: VectorStore): Promise<void> {
    if (!this.#options.keywords) return;
    const word = WORDS[this.#below(WORDS.length)]!;
    const filter = this.#random() < 0.4 ? drawFilter(this.#random) : undefined;
    const having = this.#model.idsOf(filter, (text) => text.split(" ").includes(word));
    const mode = this.#random() < 0.7 ? ("keyword" as const) : ("hybrid" as const);
    const options = { k: 300, mode, ...(filter && { filter }) };
    const result = await this.#note(`search ${mode} ${word}`, () => store.search(word, options));
    if (mode === "keyword") this.#expect(this.#model.problemsOfWord(having, 300, result));
    else if (result.hits.length < Math.min(300, this.#model.idsOf(filter).length)) throw new Error("Too few hits.");
  }

  async #compareAll(store: VectorStore): Promise<void> {
    const listed: [string, unknown][] = [];
    for await (const { id, text, metadata } of store.passages()) listed.push([id, { text, metadata }]);
    const order = ([a]: [string, unknown], [b]: [string, unknown]) => (a < b ? -1 : 1);
    if (JSON.stringify(listed.sort(order)) !== JSON.stringify([...this.#model.passages].sort(order)))
      throw new Error(`The ${listed.length} passages stored are not the ${this.#model.passages.size} that were added.`);
    await this.#search(store);
    this.#expect((await store.verify()).problems);
  }
}
