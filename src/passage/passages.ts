import type { Metadata } from "../api/passage.js";
import type { Connection } from "../storage/connection.js";
import type { Database } from "../storage/database.js";
import { clearIds, IdTable } from "../storage/ids.js";
import { checkRow, checksum, damagedRow, requireOrder } from "../storage/integrity.js";
import { removeKeywords } from "../storage/keywords.js";
import { isLive, requirePresent } from "../storage/live_bits.js";
import { addToCounters, readMeta, requireNumbering, writeMeta } from "../storage/meta.js";
import { packText, TextDictionaries, textHash, unpackText } from "../text/text.js";
import { metadataFromJson } from "./metadata.js";

/** A passage to store. Every part was checked by `cleanId`, `cleanText` and `metadataToJson`. */
export interface NewPassage {
  /** A node that no passage of this numbering has had. */
  node: number;
  id: string;
  text: string;
  /** From `metadataToJson`. */
  metadata: string | null;
}

/** A stored passage. */
export interface PassageRow {
  node: number;
  id: string;
  text: string;
  metadata: Metadata;
}

/** A text that may be stored already. */
export interface WantedText {
  id: string;
  text: string;
  /** Its `textHash`, which mostly decides. */
  hash: string;
}

/** The passage that is stored under an id. */
export interface StoredKey {
  node: number;
  /** Whether it has the wanted text. Then it need not be embedded again. */
  sameText: boolean;
  /** As stored, to compare with `metadataToJson`. */
  metadata: string | null;
}

/** What a removal removed. */
export interface Removed {
  /** Nodes of the removed passages. */
  nodes: number[];
  /** Bytes of their texts in UTF-8, and as stored. */
  rawBytes: number;
  textBytes: number;
}

/** A passage as it is stored. */
export interface StoredRow {
  node: number;
  id: string;
  dict: number | null;
  hash: Uint8Array;
  crc: number;
  metadata: string | null;
  text: Uint8Array;
}

/** Length of the texts that are read and unpacked in one step, unless a single text is longer. */
const PAGE_LENGTH = 2 ** 20;

const SELECT = "SELECT node, id, dict, hash, crc, metadata, text FROM passages";

/**
 * The passages of a store: their ids, texts and metadata. It keeps the counters `passages`, `rawBytes`, `textBytes` and
 * `nextNode` of `meta` up to date. Every row that is read is checked; a damaged one throws `CORRUPT` and names its
 * node.
 *
 * Reading methods take the connection to read from, by default the newest committed state. Pass `tx` inside a write.
 */
export class Passages {
  readonly #database: Database;
  readonly #dictionaries = new TextDictionaries();

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Stores new passages. Their ids must be free (`removeByIds` first), and the caller adds their words. Once there are
   * 64 KB of text, a dictionary is sampled and later texts are packed with it.
   *
   * @returns UTF-8 bytes of the texts, and their bytes as stored
   */
  insert(tx: Connection, passages: readonly NewPassage[]): { rawBytes: number; textBytes: number } {
    const texts = passages.map(({ text }) => Buffer.from(text));
    const rawBytes = texts.reduce((sum, text) => sum + text.length, 0);
    const meta = readMeta(tx);
    const dictionary = this.#dictionaries.forWriting(tx, meta.rawBytes, texts, () => this.#firstTexts(tx));
    let textBytes = 0;
    const ids = new IdTable(tx);
    let nextNode = meta.nextNode;
    for (const [i, { node, id, metadata }] of passages.entries()) {
      if (find(tx, ids, id)) throw new Error(`There is a passage ${id} already.`);
      const utf8 = texts[i] as Buffer;
      const { dict, bytes } = packText(utf8, dictionary);
      const hash = Buffer.from(textHash(utf8), "hex");
      const crc = checksum(tx, "passages", node, id, dict, hash, metadata, bytes);
      const sql = "INSERT INTO passages (node, id, dict, hash, crc, metadata, text) VALUES (?, ?, ?, ?, ?, ?, ?)";
      tx.run(sql, node, id, dict, hash, crc, metadata, bytes);
      ids.enter(id, node);
      textBytes += bytes.length;
      nextNode = Math.max(nextNode, node + 1);
    }
    ids.save(meta.passages + passages.length);
    addToCounters(tx, { passages: passages.length, rawBytes, textBytes, nextNode: nextNode - meta.nextNode });
    return { rawBytes, textBytes };
  }

  /** Replaces the metadata of a passage (`metadataToJson`). Its text stays. Answers whether the id exists. */
  replaceMetadata(tx: Connection, id: string, metadata: string | null): boolean {
    const row = find(tx, new IdTable(tx), id);
    if (row === undefined) return false;
    const crc = checksum(tx, "passages", row.node, row.id, row.dict, row.hash, metadata, row.text);
    tx.run("UPDATE passages SET metadata = ?, crc = ? WHERE node = ?", metadata, crc, row.node);
    return true;
  }

  /** Removes passages. Unknown ids are ignored. The caller clears the nodes' live bits. */
  removeByIds(tx: Connection, ids: Iterable<string>): Removed {
    const removed: Removed = { nodes: [], rawBytes: 0, textBytes: 0 };
    const table = new IdTable(tx);
    for (const id of ids) {
      const row = find(tx, table, id);
      if (row === undefined) continue;
      tx.run("DELETE FROM passages WHERE node = ?", row.node);
      table.remove(id, row.node);
      removed.nodes.push(row.node);
      removed.rawBytes += this.#unpack(tx, row).length;
      removed.textBytes += row.text.length;
    }
    const { nodes, rawBytes, textBytes } = removed;
    const { keywords, passages } = readMeta(tx);
    table.save(passages - nodes.length);
    if (keywords) removeKeywords(tx, nodes);
    addToCounters(tx, { passages: -nodes.length, rawBytes: -rawBytes, textBytes: -textBytes });
    return removed;
  }

  /** Removes all passages, sound or damaged. Nodes begin at 0 again. */
  clear(tx: Connection): void {
    tx.run("DELETE FROM passages");
    clearIds(tx);
    writeMeta(tx, { passages: 0, rawBytes: 0, textBytes: 0, nextNode: 0 });
  }

  /** The passages with these ids, in their order; `undefined` for an unknown id. */
  byIds(ids: readonly string[], from?: Connection): (PassageRow | undefined)[] {
    return this.#read(from, (c) => {
      const table = new IdTable(c);
      return ids.map((id) => {
        const row = find(c, table, id);
        return row && this.#passage(c, row);
      });
    });
  }

  /**
   * The passages of nodes that were found in this `meta.numbering`. Nodes without a passage are left out.
   *
   * @throws Renumbered if these nodes may belong to other passages by now
   */
  byNodes(nodes: Iterable<number>, numbering: number): Map<number, PassageRow> {
    return this.#database.readTransaction((c) => {
      requireNumbering(c, numbering);
      return this.byNodesIn(c, nodes);
    });
  }

  /** The passages of nodes that were found in the same transaction. Nodes without a passage are left out. */
  byNodesIn(c: Connection, nodes: Iterable<number>): Map<number, PassageRow> {
    const found = new Map<number, PassageRow>();
    for (const node of nodes) {
      const row = c.get<StoredRow>(`${SELECT} WHERE node = ?`, node);
      if (row) found.set(node, this.#passage(c, checked(c, row)));
      else if (isLive(c, node)) throw damagedRow("passages", node, "is missing");
    }
    return found;
  }

  /** What is stored under the ids of these texts. Unknown ids are left out. Of equal ids the last one is used. */
  lookup(wanted: Iterable<WantedText>, from?: Connection): Map<string, StoredKey> {
    return this.#read(from, (c) => {
      const found = new Map<string, StoredKey>();
      const table = new IdTable(c);
      for (const { id, hash, text } of wanted) {
        const row = find(c, table, id);
        if (row === undefined) continue;
        const sameText = Buffer.from(row.hash).toString("hex") === hash && this.#passage(c, row).text === text;
        found.set(id, { node: row.node, sameText, metadata: row.metadata });
      }
      return found;
    });
  }

  /**
   * Up to `limit` passages after `afterNode` (-1: from the first), in the order they were added. If texts are long
   * there are fewer, but at least one. Only the end gives none.
   */
  page(afterNode: number, limit: number, from?: Connection): PassageRow[] {
    return this.#read(from, (c) => {
      const page: PassageRow[] = [];
      let length = 0;
      for (const row of this.stored(c, afterNode, limit)) {
        const passage = this.#passage(c, row);
        page.push(passage);
        length += passage.text.length;
        if (length >= PAGE_LENGTH) break;
      }
      return page;
    });
  }

  /** Passages as they are stored, checked but not unpacked, at least as many as `page` gives. */
  stored(c: Connection, afterNode: number, limit: number): StoredRow[] {
    const fitting = howManyFit(c, afterNode, limit);
    const rows = c.all<StoredRow>(`${SELECT} WHERE node > ? ORDER BY node LIMIT ?`, afterNode, fitting);
    requireAll(c, rows, afterNode, fitting);
    return rows.map((row) => checked(c, row));
  }

  /** Gives a passage another node, which must be free. Its words in the table of words stay with the old node. */
  move(tx: Connection, row: StoredRow, node: number): void {
    if (node === row.node) return;
    const { id, dict, hash, metadata, text } = row;
    const crc = checksum(tx, "passages", node, id, dict, hash, metadata, text);
    tx.run("UPDATE passages SET node = ?, crc = ? WHERE node = ?", node, crc, row.node);
  }

  /** The nodes of ids, in their order; `undefined` for an unknown id. */
  nodesOf(ids: readonly string[], from?: Connection): (number | undefined)[] {
    return this.#read(from, (c) => {
      const table = new IdTable(c);
      return ids.map((id) => find(c, table, id)?.node);
    });
  }

  /** The number of passages. */
  count(from: Connection = this.#database.reader): number {
    return readMeta(from).passages;
  }

  /** Unpacks and checks one stored passage for `verifyPassages`. Throws `CORRUPT` as all reading does. */
  inspect(c: Connection, node: number): { id: string; rawBytes: number; textBytes: number; hashMatches: boolean } {
    const row = c.get<StoredRow>(`${SELECT} WHERE node = ?`, node);
    if (row === undefined) throw damagedRow("passages", node, "is missing");
    const utf8 = this.#unpack(c, checked(c, row));
    parseMetadata(row);
    const hashMatches = textHash(utf8) === Buffer.from(row.hash).toString("hex");
    return { id: row.id, rawBytes: utf8.length, textBytes: row.text.length, hashMatches };
  }

  /** Runs `work` on `from`, or on one snapshot of the committed state. */
  #read<T>(from: Connection | undefined, work: (c: Connection) => T): T {
    return from ? work(from) : this.#database.readTransaction(work);
  }

  #passage(c: Connection, row: StoredRow): PassageRow {
    const text = Buffer.from(this.#unpack(c, row)).toString("utf8");
    return { node: row.node, id: row.id, text, metadata: parseMetadata(row) };
  }

  #unpack(c: Connection, row: StoredRow): Uint8Array {
    const { dict, text, node } = row;
    const dictionary = dict ? this.#dictionaries.get(c, dict) : undefined;
    try {
      return unpackText({ dict, bytes: text }, dictionary);
    } catch {
      throw damagedRow("passages", node, "has a text that cannot be unpacked");
    }
  }

  /** The texts stored so far, for the dictionary: less than 64 KB. */
  #firstTexts(tx: Connection): Uint8Array[] {
    const rows = tx.all<StoredRow>(`${SELECT} ORDER BY node LIMIT 65536`);
    return rows.map((row) => this.#unpack(tx, checked(tx, row)));
  }
}

function find(c: Connection, ids: IdTable, id: string): StoredRow | undefined {
  for (const node of ids.nodesOf(id)) {
    const row = c.get<StoredRow>(`${SELECT} WHERE node = ?`, node);
    if (row === undefined) throw damagedRow("passages", node, "is missing");
    if (checked(c, row).id === id) return row;
  }
  return undefined;
}

/** How many of the next rows to read in one step: `limit`, or fewer if their texts are long, but at least one. */
function howManyFit(c: Connection, afterNode: number, limit: number): number {
  const sql = "SELECT octet_length(text) AS bytes FROM passages WHERE node > ? ORDER BY node LIMIT ?";
  let length = 0;
  for (const [i, { bytes }] of c.all<{ bytes: number }>(sql, afterNode, limit).entries()) {
    length += bytes;
    if (length > PAGE_LENGTH) return Math.max(1, i);
  }
  return limit;
}

/** Throws `CORRUPT` unless these are all passages after a node: in order, and without a gap of a live node. */
function requireAll(c: Connection, rows: readonly StoredRow[], afterNode: number, limit: number): void {
  const nodes = rows.map(({ node }) => node);
  requireOrder("passages", nodes, afterNode + 1);
  const end = rows.length < limit ? Number.POSITIVE_INFINITY : (nodes.at(-1) ?? afterNode) + 1;
  requirePresent(c, afterNode + 1, end, new Set(nodes));
}

function checked(c: Connection, row: StoredRow): StoredRow {
  const { node, id, dict, hash, crc, metadata, text } = row;
  checkRow(c, "passages", node, crc, node, id, dict, hash, metadata, text);
  return row;
}

function parseMetadata(row: StoredRow): Metadata {
  try {
    return metadataFromJson(row.metadata);
  } catch {
    throw damagedRow("passages", row.node, "has metadata that are not a JSON object");
  }
}
