import { type Codes, checkCodes, MAX_DIMS, type Metric, VECTOR_KEEPINGS, type VectorKeeping } from "../api/codes.js";
import { checkIndex, type IndexChoice } from "../api/graph.js";
import type { Connection } from "./connection.js";
import { checkRow, checksum, createSalt, damagedRow, ifSound, SALT_KEY } from "./integrity.js";

/** The embedder that created the store. */
export interface StoredEmbedder {
  /** `Embedder.id`. Equal ids mean equal vectors. */
  id: string;
  /** `Embedder.source` as JSON, from which it can be created again. */
  source?: unknown;
  /**
   * Lowest cosine of a text's vector alone and in a batch, measured when the store was created. It is set if it is so
   * low that texts are embedded one at a time. If left out, texts are embedded in batches.
   */
  batchCosine?: number | undefined;
}

/** The codebook that the codes refer to. */
export interface CodebookReference {
  /** The sha256 of its bytes, in hex. */
  sha256: string;
  /** `shipped`: a file that comes with the model; `own`: a row of `codebooks`, trained on this store. */
  kind: "shipped" | "own";
}

/** The graph of a store. */
export interface GraphReference {
  /** `meta.version` of the write that stored it. Another number means another graph. */
  version: number;
  /** Number of linked nodes, which are the first ones. */
  nodes: number;
  /** How many of them had a passage when it was built. */
  passages: number;
  /** Number of its blocks of lists, and its header. */
  blocks: number;
}

/** Settings and counters of a store. The counters always exist, the settings from the first passage on. */
export interface Meta {
  /** Raised by every write transaction. Rows of codes and live bits carry the version that made them. */
  version: number;
  /** How often `compact` has renumbered the nodes. Within one numbering no node is used twice. */
  numbering: number;
  /** The next free node. */
  nextNode: number;
  /** Number of buckets in the table of ids. */
  idBuckets: number;
  /** Number of passages. */
  passages: number;
  /** UTF-8 bytes of all texts. */
  rawBytes: number;
  /** Bytes of all texts as stored. */
  textBytes: number;
  metric: Metric | undefined;
  dims: number | undefined;
  codes: Codes | undefined;
  vectors: VectorKeeping | undefined;
  embedder: StoredEmbedder | undefined;
  codebook: CodebookReference | undefined;
  /** How codes are searched. `compact` builds the graph. */
  index: IndexChoice | undefined;
  /** The graph, if there is one. */
  graph: GraphReference | undefined;
  /** Whether there is a table of words. */
  keywords: boolean | undefined;
  /** The rules by which its words were cut; `undefined`: the first rules. */
  words: 1 | 2 | undefined;
  /** Metadata paths with an expression index, in the form of `writePath`. */
  filterable: readonly string[] | undefined;
}

type MetaKey = keyof Meta;

/** Nodes are 32-bit numbers, and the last one is reserved for "no node". */
const MOST_NODES = 2 ** 32 - 1;
/** Far more writes than any store sees, and far below the numbers that are no longer exact. */
const MOST_WRITES = 2 ** 48;
/** Bytes of that many passages with the longest texts. */
const MOST_BYTES = 2 ** 52;

const COUNTERS = ["version", "nextNode", "passages", "rawBytes", "textBytes"] as const;
/** The keys that every store has. */
const REQUIRED = [...COUNTERS, "idBuckets"] as const;

const CHECKS: { [K in MetaKey]: (value: unknown) => boolean } = {
  version: (value) => isCount(value, MOST_WRITES),
  numbering: (value) => isCount(value, MOST_WRITES),
  nextNode: (value) => isCount(value, MOST_NODES),
  idBuckets: (value) => isCount(value, MOST_NODES) && (value as number) >= 1,
  passages: (value) => isCount(value, MOST_NODES),
  rawBytes: (value) => isCount(value, MOST_BYTES),
  textBytes: (value) => isCount(value, MOST_BYTES),
  metric: (value) => value === "cosine" || value === "ip" || value === "l2",
  dims: (value) => isCount(value, MAX_DIMS) && (value as number) >= 1,
  codes: (value) => isAccepted(() => checkCodes(value)),
  index: (value) => isAccepted(() => checkIndex(value)),
  graph: (value) =>
    isObject(value) &&
    isCount(value["version"], MOST_WRITES) &&
    ["nodes", "passages", "blocks"].every((key) => isCount(value[key], MOST_NODES)),
  vectors: (value) => VECTOR_KEEPINGS.includes(value as VectorKeeping),
  embedder: (value) =>
    isObject(value) && typeof value["id"] === "string" && ["undefined", "number"].includes(typeof value["batchCosine"]),
  codebook: (value) =>
    isObject(value) && /^[0-9a-f]{64}$/.test(String(value["sha256"])) && /^(shipped|own)$/.test(String(value["kind"])),
  keywords: (value) => typeof value === "boolean",
  words: (value) => value === 1 || value === 2,
  filterable: (value) => Array.isArray(value) && value.every((path) => typeof path === "string"),
};

/** Writes the salt and the counters of a new store. */
export function createMeta(tx: Connection): void {
  createSalt(tx);
  for (const key of COUNTERS) put(tx, key, 0);
}

/** The table as each write has read and changed it, so that a write reads it once. */
const known = new WeakMap<Connection, Meta>();

/**
 * All settings and counters.
 *
 * @throws EmbedlessError `CORRUPT` when a row is damaged, missing or impossible
 */
export function readMeta(c: Connection): Meta {
  const meta = known.get(c) ?? readAll(c);
  if (c.isWrite) known.set(c, meta);
  return meta;
}

function readAll(c: Connection): Meta {
  const found = new Map<string, unknown>();
  for (const row of c.all<{ key: string; value: string; crc: number }>("SELECT key, value, crc FROM meta")) {
    if (row.key === SALT_KEY) continue; // read, and checked, for every other row
    checkRow(c, "meta", row.key, row.crc, row.key, row.value);
    found.set(row.key, parseValue(row.key, row.value));
  }
  const missing = REQUIRED.find((key) => !found.has(key));
  if (missing !== undefined) throw damagedRow("meta", missing, "is missing");
  const values = Object.fromEntries((Object.keys(CHECKS) as MetaKey[]).map((key) => [key, found.get(key)]));
  const meta = { ...values, numbering: values["numbering"] ?? 0 } as unknown as Meta;
  requireNoContradiction(meta);
  return meta;
}

/** Throws unless counters of a part are at most as large as those of the whole. */
function requireNoContradiction({ passages, nextNode, graph }: Meta): void {
  const given = `but ${nextNode} nodes were given out`;
  if (passages > nextNode) throw damagedRow("meta", "passages", `says ${passages}, ${given}`);
  if (graph && graph.nodes > nextNode) throw damagedRow("meta", "graph", `links ${graph.nodes} nodes, ${given}`);
  if (graph && graph.passages > graph.nodes) {
    throw damagedRow("meta", "graph", `links ${graph.passages} passages by ${graph.nodes} nodes`);
  }
}

/** Only `Meta.numbering`. */
export function readNumbering(c: Connection): number {
  return (readValue(c, "numbering") as number | undefined) ?? 0;
}

/** Only `Meta.idBuckets`. */
export function readIdBuckets(c: Connection): number {
  const count = readValue(c, "idBuckets");
  if (count === undefined) throw damagedRow("meta", "idBuckets", "is missing");
  return count as number;
}

/** The sound rows of a damaged table. */
export function readSoundMeta(c: Connection): Partial<Meta> {
  const values = (Object.keys(CHECKS) as MetaKey[]).map((key) => {
    return [key, ifSound(() => readValue(c, key))];
  });
  return Object.fromEntries(values.filter(([, value]) => value !== undefined)) as Partial<Meta>;
}

function readValue(c: Connection, key: MetaKey): unknown {
  const meta = known.get(c);
  if (meta !== undefined) return meta[key];
  const row = c.get<{ value: string; crc: number }>("SELECT value, crc FROM meta WHERE key = ?", key);
  if (row === undefined) return undefined;
  checkRow(c, "meta", key, row.crc, key, row.value);
  return parseValue(key, row.value);
}

/** Stores the given settings or counters; `undefined` leaves a key as it is. */
export function writeMeta(tx: Connection, changes: Partial<Meta>): void {
  for (const [key, value] of Object.entries(changes)) {
    if (value !== undefined) put(tx, key as MetaKey, value);
  }
}

/**
 * Adds to counters: `addToCounters(tx, { passages: -3, rawBytes: -2100 })`.
 *
 * @throws EmbedlessError `CORRUPT` when a counter becomes impossible, because it was wrong before
 */
export function addToCounters(tx: Connection, changes: Partial<Record<(typeof COUNTERS)[number], number>>): void {
  const meta = readMeta(tx);
  for (const key of COUNTERS) {
    const change = changes[key];
    if (change) count(tx, key, meta[key], change);
  }
}

/** Raises the store's version by one and returns it. Call it once in every write transaction. */
export function raiseVersion(tx: Connection): number {
  return count(tx, "version", readMeta(tx).version, 1);
}

/** Raises `meta.numbering` by one, because the passages get other nodes. */
export function raiseNumbering(tx: Connection): number {
  return count(tx, "numbering", readNumbering(tx), 1);
}

function count(tx: Connection, key: MetaKey, before: number, change: number): number {
  const after = before + change;
  if (!CHECKS[key](after)) throw damagedRow("meta", key, `says ${before}, which cannot become ${after}`);
  put(tx, key, after);
  return after;
}

function put(tx: Connection, key: MetaKey, value: unknown): void {
  if (!CHECKS[key](value)) throw new TypeError(`${JSON.stringify(value)} is not a value of meta.${key}`);
  const json = JSON.stringify(value);
  tx.run("INSERT OR REPLACE INTO meta (key, value, crc) VALUES (?, ?, ?)", key, json, checksum(tx, "meta", key, json));
  const before = known.get(tx);
  if (before !== undefined) known.set(tx, { ...before, [key]: value });
}

function parseValue(key: string, json: string): unknown {
  const check = (CHECKS as Record<string, ((value: unknown) => boolean) | undefined>)[key];
  if (check === undefined) throw damagedRow("meta", key, "is not known to this format");
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw damagedRow("meta", key, "is not JSON");
  }
  if (!check(value)) throw damagedRow("meta", key, "holds an impossible value");
  return value;
}

function isAccepted(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}

function isCount(value: unknown, most: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Thrown if passages are requested by nodes that `compact` has renumbered since. The caller must search again. */
export class Renumbered extends Error {
  constructor() {
    super("the passages have other nodes now");
  }
}

/** Throws `Renumbered` unless nodes have the same meaning as in `numbering`. Run it on the snapshot that is read. */
export function requireNumbering(c: Connection, numbering: number): void {
  if (readNumbering(c) !== numbering) throw new Renumbered();
}

/** Repeats `work`, which reads everything itself, while nodes that it relied on were renumbered in the meantime. */
export async function acrossNumberings<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Renumbered)) throw error;
    }
  }
}
