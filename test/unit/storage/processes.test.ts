import { chmodSync, copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { start } from "./other_process.js";
import { codeOf, openDatabase, temporaryPath } from "./temporary_store.js";

const text = JSON.stringify;

describe("several processes", () => {
  it("may make the same store at once", async () => {
    const path = temporaryPath();
    const script = (n: number) => `
      const database = await open(${text(path)});
      await database.write((tx) => tx.run("INSERT INTO pending VALUES (${n}, x'00', 0)"));
      await database.close();
      say("done");`;
    const all = await Promise.all([1, 2, 3, 4].map((n) => start(script(n)).printed));
    expect(all).toEqual([["done"], ["done"], ["done"], ["done"]]);
    const database = await openDatabase(path);
    expect(database.reader.all("SELECT node FROM pending ORDER BY node").length).toBe(4);
  });

  it("write in turns and read whole states meanwhile", async () => {
    const path = temporaryPath();
    const database = await openDatabase(path, { lockTimeoutMs: 20_000 });
    await database.write((tx) => tx.run("INSERT INTO pending VALUES (0, x'00', 0), (1, x'00', 0)"));
    // Both rows are raised in one transaction with a pause between: an outsider must always see them equal.
    const raise = `async (tx) => {
      tx.run("UPDATE pending SET crc = crc + 1 WHERE node = 0");
      await new Promise((resolve) => setTimeout(resolve, 1));
      tx.run("UPDATE pending SET crc = crc + 1 WHERE node = 1");
    }`;
    const writing = (times: number) => `
      const database = await open(${text(path)});
      for (let i = 0; i < ${times}; i++) {
        await database.write(${raise});
        say("raised");
        await step();
      }
      await database.close();`;
    const writers = [start(writing(25)), start(writing(25))];
    const states = new Set<number>();
    const look = () => {
      const values = database.reader.all<{ crc: number }>("SELECT crc FROM pending ORDER BY node");
      expect(values[0]).toEqual(values[1]);
      states.add(values[0]?.crc ?? -1);
    };
    const looking = setInterval(look, 1);
    for (let i = 0; i < 25; i++) {
      await Promise.all(writers.map(({ heard }) => heard()));
      look();
      for (const { go } of writers) go();
    }
    clearInterval(looking);
    await Promise.all(writers.map(({ printed }) => printed));
    await database.write((tx) => tx.run("UPDATE pending SET crc = crc + 1"));
    expect(database.reader.all("SELECT crc FROM pending")).toEqual([{ crc: 51 }, { crc: 51 }]);
    expect(states.size).toBeGreaterThanOrEqual(25);
  });

  it("find the last committed state after one was killed in the middle of a write", async () => {
    const path = temporaryPath();
    const { child, printed } = start(`
      const database = await open(${text(path)}, { durability: "full" });
      const row = new Uint8Array(20000);
      for (let i = 0; i < 20; i++) await database.write((tx) => tx.run("INSERT INTO pending VALUES (?, ?, 0)", i, row));
      await database.write(async (tx) => {
        // Large enough to spill out of the cache into the log before the commit.
        for (let i = 20; i < 1200; i++) tx.run("INSERT INTO pending VALUES (?, ?, 0)", i, row);
        tx.run("DELETE FROM pending WHERE node < 10");
        say("writing");
        await new Promise((resolve) => setTimeout(resolve, 60000));
      });`);
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    child.kill("SIGKILL");
    expect(await printed).toEqual(["writing"]);
    const database = await openDatabase(path);
    expect(database.reader.get("SELECT count(*) AS n, max(node) AS last FROM pending")).toEqual({ n: 20, last: 19 });
    expect(database.reader.all("PRAGMA store.integrity_check")).toEqual([{ integrity_check: "ok" }]);
    await database.write((tx) => tx.run("DELETE FROM pending"));
  });

  it("take over the lock of one that was killed", async () => {
    const path = temporaryPath();
    const database = await openDatabase(path, { lockTimeoutMs: 50 });
    const { child, printed } = start(`
      const database = await open(${text(path)});
      await database.write(async () => {
        say("holding");
        await new Promise((resolve) => setTimeout(resolve, 60000));
      });`);
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    expect(await codeOf(() => database.write(() => 1))).toBe("LOCKED");
    child.kill("SIGKILL");
    await printed;
    expect(await database.write(() => "mine")).toBe("mine");
  });
});

describe("what may not be written", () => {
  const root = process.getuid?.() === 0;
  /** Nobody: permissions mean nothing to root. */
  const user = root ? 65_534 : undefined;

  const reading = (path: string) => `
    const database = await open(${text(path)});
    const { n } = database.reader.get("SELECT count(*) AS n FROM pending");
    const refused = await database.write(() => 1).catch((error) => error.code);
    await database.close();
    say([n, database.readOnly, refused].join());`;

  async function frozenStore(): Promise<string> {
    const path = temporaryPath();
    const database = await openDatabase(path);
    await database.write((tx) => tx.run("INSERT INTO pending VALUES (0, x'00', 0)"));
    await database.close();
    return path;
  }

  it("is read in a folder that takes no files", async () => {
    const path = await frozenStore();
    chmodSync(path, 0o444);
    chmodSync(dirname(path), 0o555);
    const printed = await start(reading(path), user).printed;
    const files = readdirSync(dirname(path));
    chmodSync(dirname(path), 0o755);
    expect(printed).toEqual(["1,true,READONLY"]);
    expect(files).toEqual(["store.db"]);
  });

  it("is read in a folder that does", async () => {
    const folder = join(dirname(await frozenStore()), "open");
    mkdirSync(folder);
    const path = join(folder, "store.db");
    copyFileSync(join(folder, "..", "store.db"), path);
    chmodSync(path, 0o444);
    chmodSync(folder, 0o777);
    chmodSync(dirname(folder), 0o755);
    expect(await start(reading(path), user).printed).toEqual(["1,true,READONLY"]);
  });

  it("is refused where a store cannot be made or read", async () => {
    const path = await frozenStore();
    chmodSync(path, 0o000);
    chmodSync(dirname(path), 0o555);
    const tryBoth = `
      for (const file of [${text(path)}, ${text(`${path}2`)}]) say(await open(file).then(() => "opened", (e) => e.code));`;
    const printed = await start(tryBoth, user).printed;
    chmodSync(dirname(path), 0o755);
    expect(printed).toEqual(["IO", "IO"]);
  });
});
