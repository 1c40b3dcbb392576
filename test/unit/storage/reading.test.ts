import { chmodSync, readdirSync, renameSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { resolveOpenOptions } from "../../../src/api/open.js";
import { nextTurn } from "../../../src/base/turns.js";
import { OpenStore } from "../../../src/memory/open_store.js";
import { Passages } from "../../../src/passage/passages.js";
import { KeywordSearch } from "../../../src/search/by_keywords.js";
import type { Database } from "../../../src/storage/database.js";
import { writeMeta } from "../../../src/storage/meta.js";
import { copyDatabase } from "../../../src/upkeep/backup.js";
import { renumber } from "../../../src/upkeep/compact.js";
import { verifyStore } from "../../../src/upkeep/verify.js";
import { type OtherProcess, start } from "./other_process.js";
import { codeOf, openDatabase, tamper, temporaryPath } from "./temporary_store.js";

/** Nobody: permissions mean nothing to root. */
const READER = 65_534;
const isRoot = process.getuid?.() === 0;

const add = (database: Database, node: number) =>
  database.write((tx) => tx.run("INSERT INTO pending VALUES (?, x'00', 0)", node));

/** A store with node 1, closed, in a folder that others may look into but not write. */
async function sharedStore(): Promise<string> {
  const path = temporaryPath();
  const database = await openDatabase(path);
  await add(database, 1);
  await database.close();
  chmodSync(dirname(path), 0o755);
  return path;
}

async function writeOnce(path: string): Promise<void> {
  const database = await openDatabase(path);
  await add(database, 2);
  await database.close();
}

/** A process that may only read: after each step it tells how many rows it sees, in three ways, and whether the version changed. */
function reader(path: string): OtherProcess {
  return start(
    `
    const database = await open(${JSON.stringify(path)});
    const sql = "SELECT count(*) AS n FROM pending";
    for (let before = -1; ; await step()) {
      const version = database.dataVersion();
      const counts = [
        database.reader.get(sql).n,
        database.readTransaction((c) => c.get(sql).n),
        await database.snapshot(async (c) => c.get(sql).n),
      ];
      say([...counts, version === before ? "same" : "changed"].join());
      before = version;
    }`,
    READER,
  );
}

describe.runIf(isRoot && process.platform !== "win32")("a reader that may not write, beside one that does", () => {
  it("sees every commit, whichever of them opened the store first", async () => {
    const path = await sharedStore();
    const early = reader(path);
    expect(await early.heard()).toBe("1,1,1,changed");
    early.go();
    expect(await early.heard()).toBe("1,1,1,same");
    expect(readdirSync(dirname(path))).toEqual(["store.db"]);
    const database = await openDatabase(path);
    await add(database, 2);
    const late = reader(path);
    expect(await late.heard()).toBe("2,2,2,changed");
    early.go();
    expect(await early.heard()).toBe("2,2,2,changed");
    await add(database, 3);
    for (const one of [early, late]) {
      one.go();
      expect(await one.heard()).toBe("3,3,3,changed");
    }
    await database.close();
    const again = await openDatabase(path);
    await add(again, 4);
    await again.close();
    for (const one of [early, late]) {
      one.go();
      expect(await one.heard()).toBe("4,4,4,changed");
      one.child.kill("SIGKILL");
      await one.printed;
    }
  });

  it("sees commits of writers that came and went in between", async () => {
    const path = await sharedStore();
    const { heard, go, child, printed } = reader(path);
    expect(await heard()).toBe("1,1,1,changed");
    for (let node = 2; node < 5; node++) {
      const database = await openDatabase(path);
      await add(database, node);
      await database.close();
      go();
      expect(await heard()).toBe(`${node},${node},${node},changed`);
    }
    child.kill("SIGKILL");
    await printed;
  });

  it("takes no page of another state for damage while a snapshot lasts", async () => {
    const path = await sharedStore();
    const { heard, go, child, printed } = start(
      `
      const database = await open(${JSON.stringify(path)});
      let runs = 0;
      const seen = await database.snapshot(async (c) => {
        runs++;
        const before = c.get("SELECT count(*) AS n FROM pending").n;
        say("reading");
        if (runs === 1) await step();
        return [before, c.all("SELECT node FROM pending").length];
      });
      say([runs, ...seen].join());
      await step();`,
      READER,
    );
    expect(await heard()).toBe("reading");
    const database = await openDatabase(path);
    for (let node = 2; node < 400; node++) await add(database, node);
    await database.close();
    go();
    expect(await heard()).toBe("reading");
    expect(await heard()).toBe("2,399,399");
    child.kill("SIGKILL");
    await printed;
  });

  it.each<[string, string, (path: string) => Promise<void>]>([
    ["its folder may not be looked into", "IO", async (path) => chmodSync(dirname(path), 0o700)],
    [
      "it was written and may not be read",
      "IO",
      async (path) => {
        await writeOnce(path);
        chmodSync(path, 0o600);
      },
    ],
    [
      "a writer lets nobody see its log",
      "IO",
      async (path) => {
        await add(await openDatabase(path), 2);
        for (const suffix of ["-wal", "-shm"]) chmodSync(path + suffix, 0o600);
      },
    ],
    ["it was cut short", "CORRUPT", async (path) => truncateSync(path, 100)],
    ["it was written over", "NOT_A_STORE", async (path) => writeFileSync(path, "no store".repeat(1_000))],
  ])("gets an error with a code when %s", async (_, code, change) => {
    const path = await sharedStore();
    const { heard, go, child, printed } = start(
      `
      const database = await open(${JSON.stringify(path)}, { create: false });
      const sql = "SELECT count(*) AS n FROM pending";
      const ways = [
        () => database.reader.get(sql),
        () => database.dataVersion(),
        () => database.readTransaction((c) => c.get(sql)),
        () => database.snapshot(async (c) => c.get(sql)),
      ];
      for (;; await step()) {
        const codes = [];
        for (const way of ways) {
          try {
            await way();
            codes.push("none");
          } catch (error) {
            codes.push(error.constructor.name + " " + error.code);
          }
        }
        say(codes.join());
      }`,
      READER,
    );
    expect(await heard()).toBe("none,none,none,none");
    await change(path);
    go();
    expect(await heard()).toBe(Array(4).fill(`EmbedlessError ${code}`).join());
    child.kill("SIGKILL");
    await printed;
  });

  it("opens the store by a link in a folder that it may write", async () => {
    const path = await sharedStore();
    const link = temporaryPath("link.db");
    symlinkSync(path, link);
    chmodSync(dirname(link), 0o777);
    const { heard, go, child, printed } = reader(link);
    expect(await heard()).toBe("1,1,1,changed");
    await writeOnce(path);
    go();
    expect(await heard()).toBe("2,2,2,changed");
    child.kill("SIGKILL");
    await printed;
  });

  it("looks again at what the file describes once others have written it", async () => {
    const path = await sharedStore();
    const { heard, go, child, printed } = start(
      `
      const database = await open(${JSON.stringify(path)}, { create: false });
      for (;; await step()) {
        try {
          say(String(database.reader.get("SELECT count(*) AS n FROM pending").n));
        } catch (error) {
          say(error.code);
        }
      }`,
      READER,
    );
    expect(await heard()).toBe("1");
    tamper(path, (raw) => raw.exec("CREATE VIEW counted AS SELECT count(*) FROM passages"));
    go();
    expect(await heard()).toBe("CORRUPT");
    tamper(path, (raw) => raw.exec("DROP VIEW counted"));
    go();
    expect(await heard()).toBe("1");
    child.kill("SIGKILL");
    await printed;
  });

  it("goes on with the file that it has open when another takes its place", async () => {
    const path = await sharedStore();
    const other = await sharedStore();
    const { heard, go, child, printed } = start(
      `
      const database = await open(${JSON.stringify(path)});
      const read = () => database.reader.all("SELECT node FROM pending").length;
      for (;;) {
        say([read(), await database.snapshot(async () => 0).catch((error) => error.code)].join());
        await step();
      }`,
      READER,
    );
    expect(await heard()).toBe("1,0");
    const database = await openDatabase(other);
    await add(database, 2);
    await database.close();
    renameSync(other, path);
    go();
    expect(await heard()).toBe("1,IO");
    child.kill("SIGKILL");
    await printed;
  });
});

describe("snapshots", () => {
  const descriptors = () => readdirSync("/proc/self/fd").length;

  it.runIf(process.platform === "linux")("of any number share a few connections", async () => {
    const database = await openDatabase();
    await add(database, 1);
    const before = descriptors();
    let running = 0;
    const read = () =>
      database.snapshot(async (c) => {
        running++;
        await new Promise((resolve) => setImmediate(resolve));
        expect(running).toBeLessThanOrEqual(16);
        expect(descriptors() - before).toBeLessThanOrEqual(16 * 3);
        const { n } = c.get<{ n: number }>("SELECT count(*) AS n FROM pending")!;
        running--;
        return n;
      });
    for (let round = 0; round < 3; round++) {
      const counts = await Promise.all(Array.from({ length: 200 }, read));
      expect(counts).toEqual(Array(200).fill(1));
    }
    // SQLite keeps descriptors of the file until its locks are gone, and uses them again.
    expect(descriptors() - before).toBeLessThanOrEqual(16 + 4 * 2);
  });

  it("on a connection that was used before see the newest commit, also after one that left a statement open", async () => {
    const database = await openDatabase();
    for (let node = 1; node < 10; node++) {
      await add(database, node);
      const rows = await database.snapshot(async (c) => {
        const open = c.iterate<{ node: number }>("SELECT node FROM pending");
        open.next();
        return c.all("SELECT node FROM pending").length;
      });
      expect(rows).toBe(node);
    }
  });

  it("that failed leave a connection that works", async () => {
    const database = await openDatabase();
    await expect(database.snapshot(async () => Promise.reject(new Error("mine")))).rejects.toThrow("mine");
    expect(await database.snapshot(async (c) => c.all("SELECT node FROM pending"))).toEqual([]);
  });

  it("that wait for their turn can be aborted, and close waits for those that run", async () => {
    const database = await openDatabase();
    let finish = () => {};
    const until = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const running = Array.from({ length: 16 }, () => database.snapshot(() => until));
    const stop = new AbortController();
    const waiting = database.snapshot(async () => "late", stop.signal);
    const patient = database.snapshot(async () => "in turn");
    stop.abort();
    expect(await codeOf(() => waiting)).toBe("ABORTED");
    const closed = database.close();
    expect(await codeOf(() => database.snapshot(async () => 1))).toBe("CLOSED");
    finish();
    await Promise.all(running);
    expect(await patient).toBe("in turn");
    await closed;
  });

  it.each<[string, (database: Database, signal: AbortSignal) => Promise<unknown>]>([
    ["verify", (database, signal) => verifyStore(database, new Passages(database), signal)],
    ["backup", (database, signal) => copyDatabase(database, temporaryPath(), { ...NO_COPY_OPTIONS, signal })],
    ["words", (database, signal) => new KeywordSearch(database, new Passages(database)).search({ ...WORDS, signal })],
    [
      "renumber",
      (database, signal) =>
        renumber(new OpenStore(database, resolveOpenOptions()), async () => undefined, {
          signal,
          onProgress: undefined,
        }),
    ],
  ])("of %s wait for their turn no longer than their signal lets them", async (_, work) => {
    const database = await openDatabase();
    await database.write((tx) => writeMeta(tx, { nextNode: 10 })); // nodes without passages are renumbered
    let finish = () => {};
    const until = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const running = Array.from({ length: 16 }, () => database.snapshot(() => until));
    const stop = new AbortController();
    const waiting = codeOf(() => work(database, stop.signal));
    await nextTurn();
    stop.abort();
    const ended = await Promise.race([waiting, rounds(100).then(() => "still waiting")]);
    finish();
    await Promise.all(running);
    expect(ended).toBe("ABORTED");
  });
});

const NO_COPY_OPTIONS = { overwrite: false, onProgress: undefined };
const WORDS = { text: "ferry", limit: 1 };

async function rounds(count: number): Promise<void> {
  for (let round = 0; round < count; round++) await nextTurn();
}
