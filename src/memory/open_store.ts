import type { OpenSettings } from "../api/open.js";
import { Coders } from "../codes/coders.js";
import { ModelOfStore } from "../embed/model_of_store.js";
import { FilterBitmaps } from "../filter/matching.js";
import { native } from "../native/native.js";
import type { NativeAddon } from "../native/surface.js";
import { Passages } from "../passage/passages.js";
import type { Database } from "../storage/database.js";
import { StoreGraph } from "./graph.js";
import { CodeIndex } from "./mirror.js";
import { KeptVectors } from "./vectors.js";
import { Views } from "./view.js";

/** All parts of an open store. Searches, writes and upkeep take what they need from here. */
export class OpenStore {
  readonly database: Database;
  readonly settings: OpenSettings;
  readonly addon: NativeAddon = native();
  readonly coders: Coders;
  readonly passages: Passages;
  readonly filters: FilterBitmaps;
  readonly model: ModelOfStore;
  /** In memory: the codes, the graph, and kept vectors. */
  readonly codes: CodeIndex;
  readonly graph: StoreGraph;
  readonly vectors: KeptVectors;
  /** The views that searches work on. */
  readonly views: Views;

  /** Reads nothing yet. */
  constructor(database: Database, settings: OpenSettings) {
    const { addon } = this;
    this.database = database;
    this.settings = settings;
    this.coders = new Coders(addon);
    this.passages = new Passages(database);
    this.filters = new FilterBitmaps(database, this.passages);
    this.model = new ModelOfStore(database, settings);
    this.codes = new CodeIndex(addon, database, this.coders, settings.vectorsIn === "file");
    this.graph = new StoreGraph(addon, database);
    this.vectors = new KeptVectors({ addon, database, coders: this.coders }, settings.vectorsIn);
    // A walk on vectors in memory needs no codes.
    const rows = () => (this.graph.current && this.kept?.memory) ?? this.codes;
    this.views = new Views(this.graph, rows, this.filters);
  }

  /** The vectors that the store keeps; `undefined` if it recomputes them, or if that is not known yet. */
  get kept(): KeptVectors | undefined {
    return this.vectors.coder && this.vectors;
  }
}
