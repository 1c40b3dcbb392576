import { linkSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { identityOf, isOpenStore } from "../../../src/storage/open_files.js";
import { codeOf, openDatabase, temporaryPath } from "./temporary_store.js";

describe("files of open stores", () => {
  it("are known by any name while a handle is open, and not after", async () => {
    const file = temporaryPath();
    const folder = dirname(file);
    const first = await openDatabase(file);
    const second = await openDatabase(file);
    linkSync(file, join(folder, "hard"));
    symlinkSync(file, join(folder, "soft"));
    writeFileSync(join(folder, "other"), "text");
    const names = ["store.db", "store.db-wal", "store.db-shm", "hard", "soft"].map((name) => join(folder, name));
    for (const name of names.filter((name) => identityOf(name) !== undefined)) expect(isOpenStore(name)).toBe(true);
    expect(names.filter((name) => identityOf(name) !== undefined).length).toBeGreaterThanOrEqual(4);
    expect(isOpenStore(join(folder, "other"))).toBe(false);
    expect(isOpenStore(join(folder, "missing"))).toBe(false);
    await first.close();
    expect(isOpenStore(file)).toBe(true);
    await second.close();
    expect(isOpenStore(file)).toBe(false);
  });

  it("are opened by one name only: by two hard links there would be two logs", async () => {
    const file = temporaryPath();
    const folder = dirname(file);
    const first = await openDatabase(file);
    linkSync(file, join(folder, "hard"));
    symlinkSync(file, join(folder, "soft"));
    expect(await codeOf(() => openDatabase(join(folder, "hard")))).toBe("IO");
    const second = await openDatabase(join(folder, "soft"));
    await first.close();
    expect(await codeOf(() => openDatabase(join(folder, "hard")))).toBe("IO");
    await second.close();
    await (await openDatabase(join(folder, "hard"))).close();
  });

  it("have another identity once another file is in their place", () => {
    const file = temporaryPath();
    writeFileSync(file, "one");
    writeFileSync(`${file}.new`, "two");
    const before = identityOf(file);
    renameSync(`${file}.new`, file);
    expect(identityOf(file)).not.toBe(before);
    expect(identityOf(join(file, "below"))).toBeUndefined();
  });
});
