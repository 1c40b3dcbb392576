import type { Connection } from "./connection.js";
import { createIds } from "./ids.js";
import { createMeta } from "./meta.js";

/** `PRAGMA application_id` of a store: "EBLS" in ASCII. */
export const APPLICATION_ID = 0x45424c53;

/**
 * The tables of format 1. The comments are part of the statements and so of every store: the sqlite3 shell shows them
 * with `.schema`. Every `crc` is computed by `checksum` over the other columns in this order and meta's "salt".
 */
export const TABLES = `
CREATE TABLE store.meta (
  key TEXT PRIMARY KEY,   -- name of a setting or counter
  value TEXT NOT NULL,    -- its value as JSON
  crc INTEGER NOT NULL    -- checksum of key, value
) STRICT, WITHOUT ROWID;

CREATE TABLE store.passages (
  node INTEGER PRIMARY KEY, -- dense internal number, in the order of adding
  id TEXT NOT NULL,         -- the caller's name of the passage; id_buckets leads from it to the node
  dict INTEGER,             -- how text is packed: NULL plain UTF-8, 0 raw deflate, n raw deflate with dictionary n
  hash BLOB NOT NULL,       -- first 8 bytes of SHA-256 of the UTF-8 text
  crc INTEGER NOT NULL,     -- checksum of node, id, dict, hash, metadata, text
  metadata TEXT,            -- JSON object; NULL if empty
  text BLOB NOT NULL        -- the text, packed
) STRICT;

CREATE TABLE store.id_buckets (
  bucket INTEGER PRIMARY KEY, -- 0 to meta.idBuckets - 1
  entries BLOB NOT NULL,      -- of each id in it 4 bytes of its hash, 4 of its node, in no order
  crc INTEGER NOT NULL        -- checksum of bucket, entries
) STRICT;

CREATE TABLE store.dictionaries (
  dict INTEGER PRIMARY KEY, -- number that passages name
  bytes BLOB NOT NULL,      -- preset dictionary, itself raw deflate
  crc INTEGER NOT NULL      -- checksum of dict, bytes
) STRICT;

CREATE TABLE store.codebooks (
  sha256 TEXT PRIMARY KEY,  -- of bytes, in hex
  bytes BLOB NOT NULL,      -- rotation, centroids and factor ranges that codes refer to
  crc INTEGER NOT NULL      -- checksum of sha256, bytes
) STRICT, WITHOUT ROWID;

CREATE TABLE store.code_blocks (
  block INTEGER PRIMARY KEY, -- nodes [4096 * block, 4096 * block + 4096)
  rows BLOB NOT NULL,        -- code and factors of each node, equally long
  exceptions BLOB NOT NULL,  -- factors that no byte could hold: 8-byte entries, row relative to the block
  version INTEGER NOT NULL,  -- meta.version of the write that made the row
  crc INTEGER NOT NULL       -- checksum of block, rows, exceptions, version
) STRICT;

CREATE TABLE store.code_open (
  row INTEGER PRIMARY KEY,  -- nodes [64 * row, 64 * row + count)
  count INTEGER NOT NULL,   -- nodes held, 1 to 64
  rows BLOB NOT NULL,       -- as in code_blocks
  exceptions BLOB NOT NULL, -- as in code_blocks, row relative to this row's first node
  version INTEGER NOT NULL, -- meta.version of the write that made the row
  crc INTEGER NOT NULL      -- checksum of row, count, rows, exceptions, version
) STRICT;

CREATE TABLE store.live_blocks (
  block INTEGER PRIMARY KEY, -- nodes [4096 * block, 4096 * block + 4096)
  bits BLOB NOT NULL,        -- 512 bytes, lowest bit first; 1: the node's passage exists
  version INTEGER NOT NULL,  -- meta.version of the write that last changed the row
  crc INTEGER NOT NULL       -- checksum of block, bits, version
) STRICT;

CREATE TABLE store.pending (
  node INTEGER PRIMARY KEY, -- a node that waits for a codebook
  row BLOB NOT NULL,        -- its vector as int8 with scale and error, or as float16 if finer codes will be made of it
  crc INTEGER NOT NULL      -- checksum of node, row
) STRICT;

CREATE TABLE store.sample_queries (
  n INTEGER PRIMARY KEY, -- 0, 1, 2, ...
  vector BLOB NOT NULL,  -- vector of a question that the codebook is to be fitted to: float32, little-endian
  crc INTEGER NOT NULL   -- checksum of n, vector
) STRICT;

CREATE TABLE store.vectors (
  node INTEGER PRIMARY KEY, -- a node with a passage, in a store that keeps vectors
  row BLOB NOT NULL,        -- its vector in the form that meta.vectors names
  crc INTEGER NOT NULL      -- checksum of node, row
) STRICT;

CREATE TABLE store.graph_blocks (
  n INTEGER PRIMARY KEY, -- 0: header; then lists of 4,096 nodes each, and the layers above them
  bytes BLOB NOT NULL,   -- neighbors, packed
  crc INTEGER NOT NULL   -- checksum of n, bytes
) STRICT;

CREATE TABLE store.records (
  namespace TEXT NOT NULL,  -- which pipeline's book this is
  key TEXT NOT NULL,        -- what it put in: mostly the id of a passage
  group_id TEXT,            -- where that came from
  updated INTEGER NOT NULL, -- when it was last seen there: milliseconds since 1970, never twice the same time
  crc INTEGER NOT NULL,     -- checksum of namespace, key, group_id, updated
  PRIMARY KEY (namespace, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX store.records_by_time ON records (updated);

CREATE TABLE store.canaries (
  n INTEGER PRIMARY KEY, -- 0 to 7
  text BLOB NOT NULL,    -- a text in UTF-8
  vector BLOB NOT NULL,  -- what the embedder made of it when the store was new: float32, little-endian
  crc INTEGER NOT NULL   -- checksum of n, text, vector
) STRICT;
`;

/**
 * One step from format `to - 1` to format `to`. It runs inside the transaction that also raises `PRAGMA user_version`.
 */
export interface Migration {
  readonly to: number;
  apply(tx: Connection): void;
}

/** All steps, oldest first. A new store runs all of them. */
export const MIGRATIONS: readonly Migration[] = [
  {
    to: 1,
    apply(tx) {
      tx.exec(TABLES);
      createMeta(tx);
      createIds(tx);
    },
  },
];

/** The format that this version of the library reads and writes. */
export const FORMAT = MIGRATIONS.at(-1)?.to ?? 0;

/** Converts a file (also an empty one) to the newest format. It must run inside a write transaction. */
export function migrate(tx: Connection, from: number, migrations: readonly Migration[] = MIGRATIONS): void {
  for (const migration of migrations) {
    if (migration.to <= from) continue;
    migration.apply(tx);
    tx.exec(`PRAGMA store.user_version = ${migration.to}`);
  }
  tx.exec(`PRAGMA store.application_id = ${APPLICATION_ID}`);
}

/** The integer that a `PRAGMA` of the store answers. */
export function pragma(c: Connection, name: string): number {
  const row = c.get<Record<string, number>>(`PRAGMA store.${name}`);
  return row?.[name] ?? 0;
}
