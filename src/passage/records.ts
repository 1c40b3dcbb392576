import { cleanId, cleanIds, MAX_IDS } from "../api/input.js";
import type { RecordRange, Records } from "../api/store.js";
import { checkKeys, numberWithin, wholeNumberWithin } from "../base/checks.js";
import { outOfRange, wrongType } from "../base/errors.js";
import { Turns } from "../base/turns.js";
import type { Connection } from "../storage/connection.js";
import type { Database } from "../storage/database.js";
import { damagedRow } from "../storage/integrity.js";
import { deleteRecord, getRecord, newestRecord, putRecord, type RecordRow, readRecords } from "../storage/records.js";

/** The last time that this process answered. */
let lastTime = 0;

/** Records in the store's tables; see `Records`. */
export class StoredRecords implements Records {
  readonly namespace: string;
  readonly #database: Database;
  readonly #run: <T>(work: () => Promise<T>) => Promise<T>;

  /** Created by `VectorStore.records`. */
  constructor(namespace: string, database: Database, run: <T>(work: () => Promise<T>) => Promise<T>) {
    this.namespace = cleanId(namespace, "namespace");
    this.#database = database;
    this.#run = run;
  }

  time(): Promise<number> {
    return this.#run(async () => nextTime(this.#database.reader));
  }

  update(
    keys: readonly string[],
    options: { groups?: readonly (string | null)[]; timeAtLeast?: number; time?: number } = {},
  ): Promise<void> {
    return this.#run(async () => {
      checkKeys("update", options, { groups: 1, timeAtLeast: 1, time: 1 });
      const rows = this.#rows(keys, options.groups);
      const timeAtLeast = numberWithin("timeAtLeast", options.timeAtLeast ?? 0, 0, Number.MAX_VALUE);
      const given = options.time === undefined ? undefined : numberWithin("time", options.time, 0, LAST_TIME - 1);
      await this.#database.write(async (tx) => {
        const updated = given === undefined ? nextTime(tx) : Math.round(given);
        if (updated < Math.round(timeAtLeast)) {
          throw outOfRange("timeAtLeast", `a time up to now (${updated})`, timeAtLeast);
        }
        await inSlices(rows, (row) => putRecord(tx, { ...row, updated }));
      });
    });
  }

  exists(keys: readonly string[]): Promise<boolean[]> {
    return this.#run(async () => {
      const clean = cleanIds(keys, "keys");
      return this.#database.readTransaction((c) => clean.map((key) => getRecord(c, this.namespace, key) !== undefined));
    });
  }

  list(range: RecordRange = {}, limit: number = Number.MAX_SAFE_INTEGER): Promise<string[]> {
    return this.#run(async () => {
      const within = checkRange(range);
      wholeNumberWithin("limit", limit, 0, Number.MAX_SAFE_INTEGER);
      return await this.#database.snapshot(async (c) => {
        const keys: string[] = [];
        const turns = new Turns();
        for (const record of limit > 0 ? readRecords(c) : []) {
          if (record.namespace === this.namespace && isWithin(record, within)) keys.push(record.key);
          if (keys.length === limit) break;
          await turns.give();
        }
        return keys;
      });
    });
  }

  delete(keys: readonly string[]): Promise<void> {
    return this.#run(async () => {
      const clean = cleanIds(keys, "keys");
      await this.#database.write((tx) => inSlices(clean, (key) => deleteRecord(tx, this.namespace, key)));
    });
  }

  #rows(keys: readonly string[], groups: readonly (string | null)[] | undefined): Omit<RecordRow, "updated">[] {
    const { namespace } = this;
    const clean = cleanIds(keys, "keys");
    const among = groups === undefined ? [] : cleanGroups(groups);
    if (groups !== undefined && among.length !== clean.length) {
      throw wrongType("groups", `${clean.length} groups, one per key`, groups);
    }
    return clean.map((key, i) => ({ namespace, key, group: among[i] ?? null }));
  }
}

/** Groups as they are stored: one id each, or `null` for none. */
function cleanGroups(groups: unknown): (string | null)[] {
  if (!Array.isArray(groups)) throw wrongType("groups", "an array of strings and null", groups);
  if (groups.length > MAX_IDS) throw outOfRange("groups", `at most ${MAX_IDS} groups`, groups.length);
  return Array.from(groups, (group, i) => ((group ?? null) === null ? null : cleanId(group, `groups[${i}]`)));
}

function checkRange(range: RecordRange): RecordRange {
  checkKeys("list", range, { before: 1, after: 1, groups: 1 });
  const { before, after, groups } = range;
  for (const [name, time] of Object.entries({ before, after })) {
    if (time !== undefined) numberWithin(name, time, -Number.MAX_VALUE, Number.MAX_VALUE);
  }
  return { before, after, groups: groups === undefined ? undefined : cleanGroups(groups) };
}

function isWithin({ updated, group }: RecordRow, { before, after, groups }: RecordRange): boolean {
  return updated < (before ?? Infinity) && updated > (after ?? -1) && (groups?.includes(group) ?? true);
}

/** The last time that JavaScript can represent. */
const LAST_TIME = 8.64e15;

function nextTime(c: Connection): number {
  const newest = newestRecord(c);
  if (newest >= LAST_TIME) throw damagedRow("records", newest, "has an impossible time");
  lastTime = Math.max(Date.now(), lastTime + 1, newest + 1);
  return lastTime;
}

async function inSlices<T>(items: readonly T[], work: (item: T) => void): Promise<void> {
  const turns = new Turns();
  for (const item of items) {
    await turns.give();
    work(item);
  }
}
