import { Ingest } from "./ingest/ingest.js";
import type { LinkRun } from "./ingest/link.js";
import type { SampleQuery } from "./ingest/sample_queries.js";
import { vectorsToLink } from "./ingest/vectors_to_link.js";
import { type NativeIndex, native } from "./native.js";
import type { resolveOpenOptions } from "./options.js";
import { Passages } from "./passage/passages.js";
import type { ModeParts } from "./search/by_mode.js";
import { CodeIndex } from "./search/code_index.js";
import { Coders } from "./search/coders.js";
import { FilterBitmaps } from "./search/filter_bitmap.js";
import { KeptVectors } from "./search/kept_vectors.js";
import { KeywordSearch } from "./search/keyword_search.js";
import { ModelOfStore } from "./search/model_of_store.js";
import type { ExactVectors } from "./search/recompute.js";
import { Searcher } from "./search/searcher.js";
import { StoreGraph } from "./search/store_graph.js";
import { Views } from "./search/view.js";
import { WaitingVectors } from "./search/waiting_vectors.js";
import type { Database } from "./storage/database.js";

/** All that works together in an open store. */
export interface StoreParts {
  settings: ReturnType<typeof resolveOpenOptions>;
  database: Database;
  passages: Passages;
  index: CodeIndex;
  graph: StoreGraph;
  kept: KeptVectors;
  filters: FilterBitmaps;
  model: ModelOfStore;
  ingest: Ingest;
  modes: ModeParts;
  /** The vectors of a store without codes, to build its graph on. */
  vectorsToLink(run: LinkRun): Promise<NativeIndex | undefined>;
}

/** Puts the parts of a store together. Reads nothing yet. */
export function assemble(
  database: Database,
  settings: StoreParts["settings"],
  sampleQueries: SampleQuery[] | undefined,
): StoreParts {
  const addon = native();
  const coders = new Coders(addon);
  const passages = new Passages(database);
  const filters = new FilterBitmaps(database, passages);
  const index = new CodeIndex(addon, database, coders, settings.vectorsIn === "file");
  const graph = new StoreGraph(addon, database);
  const vectors = new KeptVectors({ addon, database, coders }, settings.vectorsIn);
  const modelOfStore = new ModelOfStore(database, settings);
  const model = () => modelOfStore.proven();
  const kept = () => (vectors.coder ? vectors : undefined);
  const waiting = (others: ExactVectors) => new WaitingVectors(database, coders, others);
  // A walk on vectors in memory needs no codes.
  const views = new Views(graph, () => (graph.current && kept()?.memory) ?? index);
  const searcher = new Searcher({ views, passages, filters, model, kept, waiting }, settings);
  const nodes = async () => {
    await index.refresh();
    return index.current;
  };
  const adding = { addon, database, passages, coders, model };
  return {
    settings,
    database,
    passages,
    index,
    graph,
    kept: vectors,
    filters,
    model: modelOfStore,
    ingest: new Ingest({ ...adding, asked: settings, sampleQueries }),
    modes: { searcher, filters, keywords: new KeywordSearch(database, passages) },
    vectorsToLink: (run) => vectorsToLink({ ...adding, nodes }, run),
  };
}
