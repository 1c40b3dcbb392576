import { resolve } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  type BaseEmbedding,
  type BaseNode,
  BaseVectorStore,
  MetadataMode,
  Settings,
  type VectorStoreBaseParams,
  type VectorStoreQuery,
  type VectorStoreQueryResult,
} from "llamaindex";
import {
  type AddItem,
  type AddOptions,
  EmbedlessError,
  type Hit,
  type OpenOptions,
  type Store,
} from "../../src/index.js";
import { invalid } from "../errors.js";
import { IN_MEMORY, LazyStore, type StoreLocation } from "../lazy_store.js";
import { fileToSave } from "../location.js";
import { dialsOf, type SearchDials } from "../search_dials.js";
import { Skipped } from "../skipped.js";
import { embeddedTexts } from "./embedded_text.js";
import { toEmbedder } from "./embeddings.js";
import { find, hasNode, type QueryEmbedding } from "./query.js";
import { RECORD, sourceOf, toItem, toNode } from "./stored_node.js";

/** Nodes made to items between two turns of the event loop. */
const SLICE = 128;

/**
 * Where the nodes are (see `StoreLocation`), what embeds them, and how they are searched.
 *
 * - `embedModel`: any LlamaIndex embedding; those of this package are best. Default: `Settings.embedModel`.
 * - `queryEmbedding`: an index embeds questions with `Settings.embedModel`, whatever model its store has. `"own"`, the
 *   default, embeds them once more with the store's model, so that question and nodes always agree; `"given"` takes the
 *   index's vector and saves that call.
 * - `blank`: what `add` does with a node that has nothing to embed. Default `"skip"`; see `AddOptions` of the core.
 * - `recall`, `recompute`, `scores` and `walk` hold for every search; see the core's `SearchOptions`.
 * - `filterable` names metadata keys of nodes, 31 at most. An index for `delete` by source document is always made.
 */
export type EmbedlessConfig = VectorStoreBaseParams & { queryEmbedding?: QueryEmbedding } & Pick<AddOptions, "blank"> &
  Omit<SearchDials, "mode"> &
  StoreLocation;

/**
 * LlamaIndex's vector store over a file that keeps the nodes and no vectors.
 *
 * Similarities are cosines: higher is better. Adding an id again replaces the node. Nodes come back as they went in: of
 * the same class, with relationships and excluded keys; their metadata are what JSON makes of them.
 *
 * ```ts
 * const vectorStore = new EmbedlessVectorStore({ path: "animals.db" });
 * const storageContext = await storageContextFromDefaults({ vectorStore });
 * const index = await VectorStoreIndex.fromDocuments(documents, { storageContext });
 * const nodes = await index.asRetriever({ similarityTopK: 3 }).retrieve("Where do llamas live?");
 * ```
 */
export class EmbedlessVectorStore extends BaseVectorStore<Store> {
  /** Nodes come from here: an index needs no document store to show them. */
  storesText = true;
  readonly #dials: SearchDials;
  readonly #queryEmbedding: QueryEmbedding;
  readonly #blank: NonNullable<AddOptions["blank"]>;
  readonly #skipped = new Skipped("node");
  readonly #store: LazyStore;

  /**
   * Opens nothing yet; the first call that needs the file does.
   *
   * @param config Left out, a private temporary file and `Settings.embedModel`.
   * @throws `METRIC_MISMATCH` or `MODEL_MISMATCH` if `config.store` compares by anything but cosine or embeds otherwise;
   *   `INVALID_ARGUMENT` without a model, or for an unknown `queryEmbedding`.
   */
  constructor(config: EmbedlessConfig = {}) {
    if (typeof config !== "object" || config === null) throw invalid("Expected an object for the config of the store.");
    const { embedModel, embeddingModel, queryEmbedding = "own", blank = "skip", ...others } = config;
    super({ embedModel: embedModel ?? embeddingModel ?? modelOfSettings() });
    toEmbedder(this.embedModel);
    if (queryEmbedding !== "own" && queryEmbedding !== "given") {
      throw invalid(`Expected "own" or "given" for queryEmbedding, but received ${JSON.stringify(queryEmbedding)}.`);
    }
    this.#queryEmbedding = queryEmbedding;
    this.#blank = blank;
    const { recall: _, recompute: __, scores: ___, walk: ____, ...location } = others;
    this.#dials = dialsOf(config);
    this.#store = new LazyStore("LlamaIndex", withSourceIndex(location as StoreLocation), () =>
      toEmbedder(this.embedModel),
    );
  }

  /**
   * Opens the store in a folder. What is not there is made: the folder and an empty store in it.
   *
   * @param persistDir The folder with `embedless.db` in it; a name with an extension is the file itself.
   * @param config As for the constructor, less where it is; or the embedModel alone, as `SimpleVectorStore` takes it. With
   *   `create: false` nothing is made.
   * @throws `MODEL_MISMATCH` if another model made it, `NOT_FOUND` by `create: false` if there is no such file
   */
  static async fromPersistDir(
    persistDir: string,
    config: (EmbedlessConfig & { path?: undefined; store?: undefined }) | BaseEmbedding = {},
  ): Promise<EmbedlessVectorStore> {
    if (typeof persistDir !== "string" || persistDir === "")
      throw invalid("Expected the name of a folder for persistDir.");
    const given: Partial<OpenOptions> & VectorStoreBaseParams = isModel(config)
      ? { embedModel: config }
      : (config ?? {});
    const { create = true, ...others } = given;
    const path = create && persistDir !== IN_MEMORY ? fileToSave(persistDir) : persistDir;
    const store = new this({ ...others, path, create } as EmbedlessConfig);
    await store.store();
    return store;
  }

  /**
   * The core store beneath, which is there once something was awaited: `store()`, or any other method.
   *
   * @throws `CLOSED` before that and after `close()`.
   */
  override client(): Store {
    const current = this.#store.current;
    if (current) return current;
    throw new EmbedlessError("CLOSED", "The vector store is not open: await store(), which opens it, before client().");
  }

  /** The core store beneath, opened if need be: for `get`, `count`, `stats`, `verify` and all else that LlamaIndex lacks. */
  async store(): Promise<Store> {
    return await this.#store.open();
  }

  /** How many blank nodes this object passed over so far, in place of adding them. */
  get skipped(): number {
    return this.#skipped.count;
  }

  /**
   * Adds nodes; an id that is there already is replaced, and of nodes with the same id the last one with something in it
   * stays. All or none are added. What is kept of an embedding is the text that gave it: some are made again to see whether that was the
   * text with its metadata (as in pipelines) or without (as in memory blocks). Nodes without embedding are embedded. A node
   * with neither text nor metadata has nothing to be found by: it is passed over and counted (`skipped`).
   *
   * @param nodes Their `embedding` must come from `embedModel`, unless the store keeps vectors (`vectors: "float16"`).
   * @param options `blank`, `signal` and `onProgress` as in `VectorStore.add`.
   * @returns The ids of all nodes, in order.
   * @throws `INVALID_VECTOR` if vectors are not kept and no text of a node gives its embedding.
   */
  override async add(nodes: BaseNode[], options: AddOptions = {}): Promise<string[]> {
    checkNodes(nodes);
    const store = await this.store();
    const blank = options?.blank ?? this.#blank;
    const { last, places, passedOver } = lastOf(nodes, blank);
    const texts = await embeddedTexts(last, {
      embed: (samples) => this.embedModel.getTextEmbeddingsBatch(samples),
      keepsVectors: async () => (await store.stats()).vectors !== "recompute",
    });
    const items: AddItem[] = [];
    for (const [i, node] of last.entries()) {
      if (i % SLICE === SLICE - 1) await nextTurn();
      items.push({ ...toItem(node, texts[i]!), ...(node.embedding !== undefined && { vector: node.embedding }) });
    }
    const { skippedAt } = await store.add(items, { ...options, blank });
    this.#skipped.add([...skippedAt.map((at) => places[at]!), ...passedOver], nodes.length);
    return nodes.map((node) => node.id_);
  }

  /**
   * Deletes the nodes that were made from a document. Where there are none, it deletes the node of this id itself if that was
   * made from nothing: a document that was not split. An id that nothing has is no error.
   *
   * @param refDocId Id of the source document.
   */
  override async delete(refDocId: string, _options?: object): Promise<void> {
    if (typeof refDocId !== "string") throw invalid("Expected the id of a document for delete.");
    const store = await this.store();
    const made = await store.delete({ filter: { [`${RECORD}.source`]: refDocId } });
    if (made > 0 || !(await hasNode(store, refDocId))) return;
    const [own] = await store.get([refDocId]);
    if (own && sourceOf(own) === undefined) await store.delete({ ids: [refDocId] });
  }

  /**
   * The nodes nearest to a question.
   *
   * - `DEFAULT`: similarities are cosines. `MMR`: the same, in the order of choice; `mmrThreshold` 1 means nearness alone.
   * - `HYBRID` and `SPARSE` take a store with `keywords: true`. By `alpha` 0 words decide alone, by 1 meaning; by anything
   *   between the two lists are fused by rank, and how far between makes no difference. These similarities are no cosines.
   * - `filters`, evaluated before the cut: all operators, `true` and `false` too. `text_match` reads every text.
   * - `docIds`: ids of nodes or of their source documents.
   *
   * Nodes come with their `embedding`, unless an estimate or their words alone found them. A question without words or a
   * vector finds nothing.
   *
   * @param options `signal` stops it.
   * @throws `INVALID_ARGUMENT` for another mode, or without `queryStr` and `queryEmbedding`; `INVALID_FILTER`
   */
  override async query(
    query: VectorStoreQuery,
    options: { signal?: AbortSignal } = {},
  ): Promise<VectorStoreQueryResult> {
    if (typeof query !== "object" || query === null) throw invalid("Expected an object with queryStr for query.");
    const { signal } = options ?? {};
    const dials = { ...this.#dials, ...(signal && { signal }) };
    const hits = await find(await this.store(), query, dials, this.#queryEmbedding);
    return {
      nodes: hits.map(withEmbedding),
      similarities: hits.map(({ score }) => score),
      ids: hits.map(({ id }) => id),
    };
  }

  /**
   * Without a path this does nothing but open the file, since all that was added is on disk. With one it copies the store
   * there, whatever others do with it meanwhile.
   *
   * @param path A folder, or a name with an extension: a file. Folders are made if need be, a store that is there is
   *   replaced.
   * @throws `LOCKED` if the file is a store in use, `IO`, `NO_SPACE`
   */
  async persist(path?: string): Promise<void> {
    const store = await this.store();
    if (path === undefined) return;
    const target = resolve(fileToSave(path));
    if (target !== store.path) await store.backup(target, { overwrite: true });
  }

  /** Closes the file and removes it if it was temporary. A store given as `{ store }` stays open. May be called twice. */
  async close(): Promise<void> {
    await this.#store.close();
  }
}

/** A node with the vector that it was ranked by. One that was ranked by less than that has none. */
function withEmbedding(hit: Hit): BaseNode {
  const node = toNode(hit);
  if (hit.vector && hit.explain?.exact !== undefined) node.embedding = Array.from(hit.vector);
  return node;
}

function isModel(value: unknown): value is BaseEmbedding {
  return typeof (value as Partial<BaseEmbedding> | null)?.getTextEmbedding === "function";
}

function modelOfSettings(): BaseEmbedding {
  try {
    return Settings.embedModel;
  } catch (error) {
    throw invalid(
      "Expected an embedModel, or Settings.embedModel to be set before, but received neither; settings of another copy of " +
        "LlamaIndex (one by require(), one by import()) do not count.",
      error,
    );
  }
}

function checkNodes(nodes: unknown): void {
  if (!Array.isArray(nodes)) throw invalid("Expected an array of nodes for add, but received something else.");
  const at = nodes.findIndex((node) => typeof node?.getContent !== "function" || typeof node.toJSON !== "function");
  if (at >= 0) throw invalid(`Expected a node of LlamaIndex for nodes[${at}], but received something else.`);
}

/** Of nodes with the same id the last, and its place; a blank one that is to be passed over replaces none of them. */
function lastOf(nodes: readonly BaseNode[], blank: AddOptions["blank"]) {
  const placeOf = new Map<string, number>();
  const passedOver: number[] = [];
  for (const [place, node] of nodes.entries()) {
    const isPassedOver = blank === "skip" && placeOf.has(node.id_) && node.getContent(MetadataMode.EMBED).trim() === "";
    if (isPassedOver) passedOver.push(place);
    else placeOf.set(node.id_, place);
  }
  const places = [...placeOf.values()];
  return { last: places.map((place) => nodes[place]!), places, passedOver };
}

/** `delete` finds nodes by their source. */
function withSourceIndex(location: StoreLocation): StoreLocation {
  if (location.store) return location;
  const filterable = [...(location.filterable ?? []), `${RECORD}.source`];
  return { ...location, filterable };
}
