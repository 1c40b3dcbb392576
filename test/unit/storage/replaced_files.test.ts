import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { nextTurn } from "../../../src/base/turns.js";
import type { Database } from "../../../src/storage/database.js";
import { isOpenStore } from "../../../src/storage/open_files.js";
import { start } from "./other_process.js";
import { codeOf, openDatabase, temporaryPath } from "./temporary_store.js";

const add = (database: Database, node: number) =>
  database.write((tx) => tx.run("INSERT INTO pending VALUES (?, x'00', 0)", node));
const nodes = (database: Database) =>
  database.reader.all<{ node: number }>("SELECT node FROM pending ORDER BY node").map(({ node }) => node);
const integrity = (database: Database) => database.reader.all("PRAGMA store.integrity_check");
const SOUND = [{ integrity_check: "ok" }];

/** A store with node 1, closed. */
async function madeStore(): Promise<string> {
  const path = temporaryPath();
  const database = await openDatabase(path);
  await add(database, 1);
  await database.close();
  return path;
}

/** What an editor, an indexer or `cat` does in the same process: closing any descriptor drops the process's locks. */
function readInThisProcess(path: string): void {
  for (const suffix of ["", "-shm"]) closeSync(openSync(path + suffix, "r"));
}

describe("a store whose file goes away while it is open", () => {
  it.each(["removed", "moved", "replaced by another store", "replaced by a copy of itself"])(
    "%s: writes are refused",
    async (how) => {
      const path = await madeStore();
      const other = await madeStore();
      const database = await openDatabase(path);
      await add(database, 2);
      if (how === "removed") rmSync(path);
      if (how === "moved") renameSync(path, `${path}.moved`);
      if (how === "replaced by another store") renameSync(other, path);
      if (how === "replaced by a copy of itself") {
        copyFileSync(path, `${path}.copy`);
        renameSync(`${path}.copy`, path);
      }
      expect(await codeOf(() => add(database, 3))).toBe("IO");
      expect(await codeOf(() => database.snapshot(async () => 1))).toBe("IO");
      expect(nodes(database)).toEqual([1, 2]); // what it has open can still be read
      await database.close();
    },
  );

  it("harms nothing of the store that comes in its place", async () => {
    const path = await madeStore();
    const other = await madeStore();
    const old = await openDatabase(path);
    for (const suffix of ["-wal", "-shm"]) rmSync(path + suffix);
    renameSync(other, path);
    const fresh = await openDatabase(path);
    await add(fresh, 7);
    expect(await codeOf(() => add(old, 3))).toBe("IO");
    await old.close();
    await add(fresh, 8);
    expect(nodes(fresh)).toEqual([1, 7, 8]);
    expect(integrity(fresh)).toEqual(SOUND);
  });

  it.each(["-wal", "-shm"])("%s removed: writes are refused", async (suffix) => {
    const path = await madeStore();
    const database = await openDatabase(path);
    await add(database, 2);
    rmSync(path + suffix);
    expect(await codeOf(() => add(database, 3))).toBe("IO");
  });

  it("snapshots that waited for their turn do not read the store that came in its place", async () => {
    const path = await madeStore();
    const other = await madeStore();
    const database = await openDatabase(path);
    await add(database, 2);
    let finish = () => {};
    const until = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const running = Array.from({ length: 16 }, () => database.snapshot(() => until));
    const late = Array.from({ length: 16 }, () => codeOf(() => database.snapshot(async () => 1)));
    await nextTurn(); // the first ones have begun
    renameSync(other, path);
    finish();
    await Promise.all(running);
    expect(await Promise.all(late)).toEqual(Array(16).fill("IO"));
  });

  it("its log removed: snapshots say so, and make no other one", async () => {
    const path = await madeStore();
    const database = await openDatabase(path);
    await add(database, 2);
    rmSync(`${path}-wal`);
    await expect(database.snapshot(async () => 1)).rejects.toThrow(/write-ahead log was removed/);
    expect(readdirSync(dirname(path)).sort()).toEqual(["store.db", "store.db-shm"]);
  });

  it("is not acknowledged what was written when the file went away", async () => {
    const path = await madeStore();
    const database = await openDatabase(path);
    const during = database.write((tx) => {
      tx.run("INSERT INTO pending VALUES (2, x'00', 0)");
      rmSync(path);
    });
    expect(await codeOf(() => during)).toBe("IO");
  });

  it("is written again once it is back in its place", async () => {
    const path = await madeStore();
    const database = await openDatabase(path);
    mkdirSync(join(dirname(path), "elsewhere"));
    renameSync(path, join(dirname(path), "elsewhere", "store.db"));
    expect(await codeOf(() => add(database, 2))).toBe("IO");
    renameSync(join(dirname(path), "elsewhere", "store.db"), path);
    await add(database, 3);
    expect(nodes(database)).toEqual([1, 3]);
  });
});

const writeAndClose = (path: string, first: number) => `
    const database = await open(${JSON.stringify(path)});
    for (let node = ${first}; node < ${first + 20}; node++)
      await database.write((tx) => tx.run("INSERT INTO pending VALUES (?, x'00', 0)", node));
    await database.close();
    say("closed");`;
const written = (first: number) => Array.from({ length: 20 }, (_, i) => first + i);

it("a log that was removed does not get into the file when its handle closes", async () => {
  const path = await madeStore();
  const database = await openDatabase(path);
  for (let node = 2; node < 6; node++) await add(database, node);
  for (const suffix of ["-wal", "-shm"]) rmSync(path + suffix);
  expect(await start(writeAndClose(path, 100)).printed).toEqual(["closed"]);
  await database.close();
  const again = await openDatabase(path);
  expect(nodes(again)).toEqual([1, ...written(100)]);
  expect(integrity(again)).toEqual(SOUND);
});

describe("locks that this process lost because it read the files of its own store", () => {
  it("cost no acknowledged write, whoever closes first", async () => {
    const path = await madeStore();
    const database = await openDatabase(path, { lockTimeoutMs: 10_000 });
    await add(database, 2);
    readInThisProcess(path);
    expect(await start(writeAndClose(path, 100)).printed).toEqual(["closed"]);
    const acknowledged = [1, 2];
    if ((await codeOf(() => add(database, 3))) === "none") acknowledged.push(3);
    // The other process took itself for the last one and removed the log: it must be a log that nobody writes to any more.
    expect(acknowledged).toEqual([1, 2]);
    expect(await start(writeAndClose(path, 200)).printed).toEqual(["closed"]);
    await database.close();
    const again = await openDatabase(path);
    expect(nodes(again)).toEqual([...acknowledged, ...written(100), ...written(200)]);
    expect(integrity(again)).toEqual(SOUND);
    expect(readdirSync(dirname(path)).sort()).toEqual(["store.db", "store.db-shm", "store.db-wal"]);
  });
});

describe.runIf(process.platform !== "win32")("a store that was opened by a link", () => {
  /** A link to a store, in another folder. */
  async function linkedStore(): Promise<{ path: string; link: string }> {
    const path = await madeStore();
    const link = temporaryPath("link.db");
    symlinkSync(path, link);
    return { path, link };
  }

  it.each(["-wal", "-shm"])("whose %s is removed refuses writes", async (suffix) => {
    const { path, link } = await linkedStore();
    const database = await openDatabase(link);
    await add(database, 2);
    rmSync(path + suffix);
    expect(await codeOf(() => add(database, 3))).toBe("IO");
  });

  it("refuses writes when the link leads to another store, and harms neither", async () => {
    const { path, link } = await linkedStore();
    const other = await madeStore();
    const database = await openDatabase(link);
    await add(database, 2);
    rmSync(link);
    symlinkSync(other, link);
    expect(await codeOf(() => add(database, 3))).toBe("IO");
    await database.close();
    expect(nodes(await openDatabase(path))).toEqual([1, 2]);
    expect(nodes(await openDatabase(other))).toEqual([1]);
  });

  it("is known by its log, and its bytes count the log", async () => {
    const { path, link } = await linkedStore();
    const database = await openDatabase(link);
    await add(database, 2);
    for (const suffix of ["", "-wal", "-shm"]) expect(isOpenStore(path + suffix)).toBe(true);
    expect(database.fileBytes()).toBe(statSync(path).size + statSync(`${path}-wal`).size);
  });
});
