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

/** Nodes converted to items before the event loop gets a turn. */
const SLICE = 128;

/**
 * Where the nodes are (see `StoreLocation`), what embeds them, and how they are searched.
 *
 * - `embedModel`: any LlamaIndex embedding. Those of this package work best. Default: `Settings.embedModel`.
 * - `queryEmbedding`: an index embeds questions with `Settings.embedModel`, even if its store has another model.
 *   `"own"`, the default, embeds them again with the store's model, so that questions and nodes always agree. `"given"`
 *   uses the index's vector and saves that call.
 * - `blank`: what `add` does with a node that has nothing to embed. Default `"skip"`; see the core's `AddOptions`.
 * - `recall`, `recompute`, `scores` and `walk` apply to every search; see the core's `SearchOptions`.
 * - `filterable` names metadata keys of nodes, at most 31. An index for `delete` by source document is always created.
 */
export type EmbedlessConfig = VectorStoreBaseParams & { queryEmbedding?: QueryEmbedding } & Pick<AddOptions, "blank"> &
  Omit<SearchDials, "mode"> &
  StoreLocation;

/**
 * LlamaIndex's vector store in a file that keeps the nodes and no vectors.
 *
 * Similarities are cosines; higher is better. Adding an id again replaces the node. Nodes come back as they were added:
 * of the same class, with relationships and excluded keys. Their metadata are stored as JSON.
 *
 * ```ts
 * const vectorStore = new EmbedlessVectorStore({ path: "animals.db" });
 * const storageContext = await storageContextFromDefaults({ vectorStore });
 * const index = await VectorStoreIndex.fromDocuments(documents, { storageContext });
 * const nodes = await index.asRetriever({ similarityTopK: 3 }).retrieve("Where do llamas live?");
 * ```
 */
export class EmbedlessVectorStore extends BaseVectorStore<Store> {
  /** The store returns whole nodes, so an index needs no document store. */
  storesText = true;
  readonly #dials: SearchDials;
  readonly #queryEmbedding: QueryEmbedding;
  readonly #blank: NonNullable<AddOptions["blank"]>;
  readonly #skipped = new Skipped("node");
  readonly #store: LazyStore;

  /**
   * Opens nothing yet. The first call that needs the file opens it.
   *
   * @param config Default: a private temporary file and `Settings.embedModel`.
   * @throws `METRIC_MISMATCH` or `MODEL_MISMATCH` if `config.store` has another metric than cosine or another model;
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
   * Opens the store in a folder. If the folder or the store is missing, it is created.
   *
   * @param persistDir The folder with `embedless.db` in it; a name with an extension is the file itself.
   * @param config As for the constructor, but without the location; or only the embedModel, as `SimpleVectorStore`
   *   takes it. With `create: false` nothing is created.
   * @throws `MODEL_MISMATCH` if another model created it, `NOT_FOUND` with `create: false` if there is no such file
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
   * The core store. It is available after `store()` or any other method was awaited.
   *
   * @throws `CLOSED` before that and after `close()`.
   */
  override client(): Store {
    const current = this.#store.current;
    if (current) return current;
    throw new EmbedlessError("CLOSED", "The vector store is not open. Call await store() before client().");
  }

  /**
   * The core store, opened if it is not open yet. Use it for `get`, `count`, `stats`, `verify` and everything else that
   * LlamaIndex lacks.
   */
  async store(): Promise<Store> {
    return await this.#store.open();
  }

  /** Number of blank nodes that this object has not added so far. */
  get skipped(): number {
    return this.#skipped.count;
  }

  /**
   * Adds nodes. If an id exists already, its node is replaced. Of nodes with the same id, the last one that is not
   * blank is added. Either all nodes are added or none. The store keeps the text that gave a node's embedding. It
   * embeds some nodes again to find whether that was the text with its metadata (as in pipelines) or without (as in
   * memory blocks). Nodes without an embedding are embedded. A node with neither text nor metadata cannot be found by
   * anything, so it is not added and only counted (`skipped`).
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
   * Deletes the nodes that were made from a document. If there are none, it deletes the node with this id, if that node
   * was not made from anything: a document that was not split. An unknown id is no error.
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
   * Finds the nodes nearest to a question.
   *
   * - `DEFAULT`: similarities are cosines. `MMR`: the same, in the order of choice; `mmrThreshold` 1 means that only
   *   nearness counts.
   * - `HYBRID` and `SPARSE` need a store with `keywords: true`. With `alpha` 0 only words decide, with 1 only meaning.
   *   With any value between, both lists are fused by rank, and the value makes no difference. These similarities are
   *   not cosines.
   * - `filters` are applied before the best nodes are chosen. All operators are supported, also with `true` and
   *   `false`. `text_match` reads every text.
   * - `docIds`: ids of nodes or of their source documents.
   *
   * Nodes come with their `embedding`, unless they were found by an estimate or only by their words. A question with
   * neither words nor a vector finds nothing.
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
   * Copies the store to `path`, even while others use it. Without a path this only opens the file, because everything
   * that was added is on disk already.
   *
   * @param path A folder, or a name with an extension, which is a file. Missing folders are created. An existing store
   *   is replaced.
   * @throws `LOCKED` if the file is a store in use, `IO`, `NO_SPACE`
   */
  async persist(path?: string): Promise<void> {
    const store = await this.store();
    if (path === undefined) return;
    const target = resolve(fileToSave(path));
    if (target !== store.path) await store.backup(target, { overwrite: true });
  }

  /**
   * Closes the file, and removes it if it was temporary. A store given as `{ store }` stays open. It may be called
   * twice.
   */
  async close(): Promise<void> {
    await this.#store.close();
  }
}

/** A node with the exact vector that ranked it. A node that was ranked without one has no vector. */
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
      "Expected an embedModel, or Settings.embedModel to be set before, but received neither. Settings of another copy of " +
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

/** The last node of each id, and its index. A blank node that will not be added replaces none of them. */
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

/** Adds the index by which `delete` finds nodes of a source. */
function withSourceIndex(location: StoreLocation): StoreLocation {
  if (location.store) return location;
  const filterable = [...(location.filterable ?? []), `${RECORD}.source`];
  return { ...location, filterable };
}
