import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { describe, expect, it } from "vitest";
import type { Connection } from "../../../src/storage/connection.js";
import { APPLICATION_ID, FORMAT, MIGRATIONS, pragma } from "../../../src/storage/schema.js";
import { codeOf, openDatabase, tamper, temporaryPath } from "./temporary_store.js";

const addPending = (tx: Connection, node: number) =>
  tx.run("INSERT INTO pending (node, row, crc) VALUES (?, ?, 0)", node, new Uint8Array([node]));
const count = (c: Connection) => c.get<{ n: number }>("SELECT count(*) AS n FROM pending")?.n;

describe("opening", () => {
  it("makes a store with the promised settings and leaves one file behind", async () => {
    const path = temporaryPath();
    const database = await openDatabase(path, { durability: "full" });
    await database.write((tx) => {
      expect(pragma(tx, "page_size")).toBe(16_384);
      expect(pragma(tx, "auto_vacuum")).toBe(2);
      expect(pragma(tx, "application_id")).toBe(APPLICATION_ID);
      expect(pragma(tx, "user_version")).toBe(FORMAT);
      expect(pragma(tx, "synchronous")).toBe(2);
      expect(tx.get("PRAGMA store.journal_mode")).toEqual({ journal_mode: "wal" });
    });
    expect(database.fileBytes()).toBe(statSync(path).size + statSync(`${path}-wal`).size);
    await database.close();
    expect(readdirSync(dirname(path))).toEqual(["store.db"]);
  });

  it.each(["a b.db", "ünï-日本.db", "what?.db", "one#two.db", "100%41.db", "quote'\".db", "file:x.db"])(
    "takes the name %s literally",
    async (name) => {
      const path = temporaryPath(name);
      const database = await openDatabase(path);
      await database.write((tx) => addPending(tx, 7));
      await database.close();
      expect(readdirSync(dirname(path))).toEqual([name]);
      const again = await openDatabase(path, { create: false, readOnly: true });
      expect(count(again.reader)).toBe(1);
    },
  );

  it("makes a store of an empty file, but only if it may create", async () => {
    const path = temporaryPath();
    writeFileSync(path, "");
    expect(await codeOf(() => openDatabase(path, { create: false }))).toBe("NOT_A_STORE");
    expect(await codeOf(() => openDatabase(path, { readOnly: true }))).toBe("NOT_A_STORE");
    expect(count((await openDatabase(path)).reader)).toBe(0);
  });

  it("names what is wrong with a path", async () => {
    const path = temporaryPath();
    const folder = dirname(path);
    expect(await codeOf(() => openDatabase(path, { create: false }))).toBe("NOT_FOUND");
    expect(await codeOf(() => openDatabase(path, { readOnly: true }))).toBe("NOT_FOUND");
    expect(await codeOf(() => openDatabase(join(folder, "missing", "x.db")))).toBe("NOT_FOUND");
    expect(await codeOf(() => openDatabase(folder))).toBe("IO");
    writeFileSync(path, "text");
    expect(await codeOf(() => openDatabase(join(path, "x.db")))).toBe("IO");
    expect(await codeOf(() => openDatabase(""))).toBe("INVALID_ARGUMENT");
    expect(await codeOf(() => openDatabase("a\0b"))).toBe("INVALID_ARGUMENT");
  });

  it.each([1, 5, 100, 511, 512, 20_000])("leaves a file of %d other bytes alone", async (bytes) => {
    const path = temporaryPath();
    writeFileSync(path, Buffer.alloc(bytes, "words "));
    expect(await codeOf(() => openDatabase(path))).toBe("NOT_A_STORE");
    expect(await codeOf(() => openDatabase(path, { readOnly: true }))).toBe("NOT_A_STORE");
    expect(readFileSync(path)).toEqual(Buffer.alloc(bytes, "words "));
  });

  it("leaves the database of another program alone", async () => {
    const path = temporaryPath();
    tamper(path, (raw) => raw.exec("CREATE TABLE notes (x)"));
    const before = readFileSync(path);
    expect(await codeOf(() => openDatabase(path))).toBe("NOT_A_STORE");
    expect(readFileSync(path)).toEqual(before);
  });

  it("refuses a newer format and a schema that no version makes", async () => {
    const path = temporaryPath();
    await (await openDatabase(path)).close();
    tamper(path, (raw) => raw.exec("CREATE TRIGGER t AFTER INSERT ON pending BEGIN DELETE FROM passages; END"));
    expect(await codeOf(() => openDatabase(path))).toBe("CORRUPT");
    tamper(path, (raw) => raw.exec(`PRAGMA user_version = ${FORMAT + 1}`));
    expect(await codeOf(() => openDatabase(path))).toBe("FORMAT_VERSION");
    expect(await codeOf(() => openDatabase(path, { readOnly: true }))).toBe("FORMAT_VERSION");
  });

  it("reports a file that was cut short", async () => {
    const path = temporaryPath();
    const database = await openDatabase(path);
    await database.write((tx) => addPending(tx, 1));
    await database.close();
    writeFileSync(path, readFileSync(path).subarray(0, 40_000));
    expect(await codeOf(async () => count((await openDatabase(path)).reader))).toBe("CORRUPT");
  });
});

describe("formats", () => {
  const planted = [
    ...MIGRATIONS,
    { to: FORMAT + 1, apply: (tx: Connection) => tx.exec("CREATE TABLE store.planted (x)") },
    { to: FORMAT + 2, apply: (tx: Connection) => tx.exec("INSERT INTO planted VALUES (42)") },
  ];

  it("brings an older store through all steps, once", async () => {
    const path = temporaryPath();
    const old = await openDatabase(path);
    await old.write((tx) => addPending(tx, 3));
    await old.close();
    expect(await codeOf(() => openDatabase(path, { readOnly: true, migrations: planted }))).toBe("FORMAT_VERSION");
    for (let time = 0; time < 2; time++) {
      const database = await openDatabase(path, { migrations: planted });
      expect(database.reader.all("SELECT x FROM planted")).toEqual([{ x: 42 }]);
      expect(pragma(database.reader, "user_version")).toBe(FORMAT + 2);
      expect(count(database.reader)).toBe(1);
      await database.close();
    }
  });

  it("leaves the old format whole when a step fails", async () => {
    const path = temporaryPath();
    await (await openDatabase(path)).close();
    const fails = [
      ...planted,
      { to: FORMAT + 3, apply: (tx: Connection) => tx.exec("INSERT INTO nowhere VALUES (1)") },
    ];
    expect(await codeOf(() => openDatabase(path, { migrations: fails }))).toBe("CORRUPT");
    const database = await openDatabase(path);
    expect(pragma(database.reader, "user_version")).toBe(FORMAT);
    expect(database.reader.all("SELECT name FROM store.sqlite_schema WHERE name = 'planted'")).toEqual([]);
  });
});

describe("writing", () => {
  it("commits what returns, rolls back what throws, and shows readers neither early", async () => {
    const database = await openDatabase();
    await database.write(async (tx) => {
      addPending(tx, 1);
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(count(database.reader)).toBe(0);
      expect(count(tx)).toBe(1);
    });
    expect(count(database.reader)).toBe(1);
    const failing = database.write((tx) => {
      addPending(tx, 2);
      throw new Error("changed my mind");
    });
    await expect(failing).rejects.toThrow("changed my mind");
    expect(count(database.reader)).toBe(1);
    await database.write((tx) => addPending(tx, 2));
    expect(count(database.reader)).toBe(2);
  });

  it("lets writers of one process queue up in order", async () => {
    const database = await openDatabase();
    const order: number[] = [];
    const turns = [0, 1, 2, 3, 4].map((n) =>
      database.write(async (tx) => {
        order.push(n);
        await new Promise((resolve) => setTimeout(resolve, 5 - n));
        addPending(tx, n);
        order.push(n);
        if (n === 2) throw new Error("third");
      }),
    );
    const results = await Promise.allSettled(turns);
    expect(order).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
    expect(results.map(({ status }) => status[0])).toEqual(["f", "f", "r", "f", "f"]);
    expect(count(database.reader)).toBe(4);
  });

  it("leaves the queue when its signal fires, and lets the others go on", async () => {
    const database = await openDatabase();
    const abort = new AbortController();
    const slow = database.write(() => new Promise((resolve) => setTimeout(resolve, 30)));
    const waiting = database.write(() => "never", { signal: abort.signal });
    const last = database.write(() => "last");
    abort.abort("enough");
    expect(await codeOf(() => waiting)).toBe("ABORTED");
    await slow;
    expect(await last).toBe("last");
    expect(await codeOf(() => database.write(() => 1, { signal: AbortSignal.abort() }))).toBe("ABORTED");
  });

  it("makes a transaction useless once it is over", async () => {
    const database = await openDatabase();
    let kept: Connection | undefined;
    await database.write((tx) => {
      kept = tx;
    });
    await database.write(async () => {
      expect(await codeOf(() => addPending(kept as Connection, 1))).toBe("CLOSED");
    });
    expect(count(database.reader)).toBe(0);
  });

  it("reports a full disk and keeps what was there", async () => {
    const database = await openDatabase();
    await database.write((tx) => addPending(tx, 1));
    const filling = database.write((tx) => {
      tx.exec(`PRAGMA store.max_page_count = ${pragma(tx, "page_count")}`);
      tx.run("INSERT INTO pending (node, row, crc) VALUES (2, ?, 0)", new Uint8Array(100_000));
    });
    expect(await codeOf(() => filling)).toBe("NO_SPACE");
    expect(count(database.reader)).toBe(1);
    await database.write((tx) => tx.exec("PRAGMA store.max_page_count = 1000000"));
    await database.write((tx) => addPending(tx, 2));
    expect(count(database.reader)).toBe(2);
  });

  it("refuses to write to a store opened for reading", async () => {
    const path = temporaryPath();
    const writer = await openDatabase(path);
    const reader = await openDatabase(path, { readOnly: true });
    expect(reader.readOnly).toBe(true);
    expect(await codeOf(() => reader.write(() => 1))).toBe("READONLY");
    expect(await codeOf(() => addPending(reader.reader, 1))).toBe("READONLY");
    await writer.write((tx) => addPending(tx, 1));
    expect(count(reader.reader)).toBe(1);
  });
});

describe("waiting for another program's lock", () => {
  async function locked(lockTimeoutMs: number) {
    const path = temporaryPath();
    const database = await openDatabase(path, { lockTimeoutMs });
    const other = new DatabaseSync(path, {});
    other.exec("BEGIN IMMEDIATE");
    return { database, other };
  }

  it("gives up with LOCKED and works again later", async () => {
    const { database, other } = await locked(80);
    expect(await codeOf(() => database.write((tx) => addPending(tx, 1)))).toBe("LOCKED");
    other.exec("ROLLBACK");
    await database.write((tx) => addPending(tx, 1));
    other.close();
  });

  it("does not block the event loop, and goes on as soon as the lock is free", async () => {
    const { database, other } = await locked(10_000);
    let ticks = 0;
    const timer = setInterval(() => {
      if (++ticks === 20) other.exec("COMMIT");
    }, 2);
    await database.write((tx) => addPending(tx, 1));
    clearInterval(timer);
    expect(ticks).toBeGreaterThanOrEqual(20);
    expect(count(database.reader)).toBe(1);
    other.close();
  });

  it("stops waiting when aborted", async () => {
    const { database, other } = await locked(10_000);
    expect(await codeOf(() => database.write(() => 1, { signal: AbortSignal.timeout(30) }))).toBe("ABORTED");
    other.close();
  });

  it("reads nothing any more once it is closed", async () => {
    const database = await openDatabase();
    await database.close();
    expect(await codeOf(() => database.readTransaction((c) => c.get("SELECT 1")))).toBe("CLOSED");
    expect(await codeOf(() => database.snapshot(async (c) => c.get("SELECT 1")))).toBe("CLOSED");
  });

  it("stops waiting when the database is closed", async () => {
    const { database, other } = await locked(10_000);
    const waiting = codeOf(() => database.write(() => 1));
    await new Promise((resolve) => setTimeout(resolve, 20));
    await database.close();
    expect(await waiting).toBe("CLOSED");
    other.close();
  });
});

describe("reading", () => {
  it("sees one state throughout a read transaction or snapshot", async () => {
    const database = await openDatabase();
    await database.snapshot(async (c) => {
      expect(count(c)).toBe(0);
      await database.write((tx) => addPending(tx, 1));
      expect(count(c)).toBe(0);
      expect(count(database.reader)).toBe(1);
    });
    const inside = database.readTransaction((c) => database.readTransaction(() => count(c)));
    expect(inside).toBe(1);
    expect(() => database.readTransaction(() => count({} as Connection))).toThrow();
    expect(count(database.reader)).toBe(1);
  });

  it("tells by dataVersion when something was committed", async () => {
    const path = temporaryPath();
    const [a, b] = [await openDatabase(path), await openDatabase(path)];
    const before = [a.dataVersion(), b.dataVersion()];
    expect([a.dataVersion(), b.dataVersion()]).toEqual(before);
    await a.write((tx) => addPending(tx, 1));
    expect(a.dataVersion()).not.toBe(before[0]);
    expect(b.dataVersion()).not.toBe(before[1]);
  });
});

describe("closing", () => {
  it.each(["full", "normal"] as const)(
    "a new file that was never written to leaves no other file (%s)",
    async (durability) => {
      const path = temporaryPath();
      for (const _ of ["made", "opened again"]) {
        const database = await openDatabase(path, { durability });
        database.readTransaction((c) => c.get("SELECT count(*) FROM passages"));
        await database.close();
        expect(readdirSync(dirname(path))).toEqual([basename(path)]);
      }
    },
  );

  it("waits for the running write and snapshot, refuses the waiting, and is idempotent", async () => {
    const path = temporaryPath();
    const database = await openDatabase(path);
    let release = () => {};
    const running = database.write(async (tx) => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      addPending(tx, 1);
    });
    const waiting = codeOf(() => database.write(() => 1));
    const snapshot = database.snapshot(async (c) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return count(c);
    });
    await new Promise((resolve) => setTimeout(resolve, 5));
    const closing = database.close();
    expect(database.close()).toBe(closing);
    expect(await codeOf(() => database.write(() => 1))).toBe("CLOSED");
    release();
    await closing;
    await running;
    expect(await waiting).toBe("CLOSED");
    expect(await snapshot).toBe(0);
    expect(await codeOf(() => count(database.reader))).toBe("CLOSED");
    expect(await codeOf(() => database.snapshot(async () => 1))).toBe("CLOSED");
    expect(readdirSync(dirname(path))).toEqual(["store.db"]);
    expect(count((await openDatabase(path)).reader)).toBe(1);
  });

  it("keeps the log while another connection uses it", async () => {
    const path = temporaryPath();
    const [a, b] = [await openDatabase(path), await openDatabase(path)];
    await a.write((tx) => addPending(tx, 1));
    await a.close();
    expect(count(b.reader)).toBe(1);
    await b.write((tx) => addPending(tx, 2));
    await b.close();
    expect(readdirSync(dirname(path))).toEqual(["store.db"]);
  });

  it("leaves nothing behind when opening fails", async () => {
    const folder = dirname(temporaryPath());
    mkdirSync(join(folder, "sub"));
    writeFileSync(join(folder, "junk"), Buffer.alloc(5000, 1));
    await codeOf(() => openDatabase(join(folder, "junk")));
    expect(readdirSync(folder).sort()).toEqual(["junk", "sub"]);
  });
});
