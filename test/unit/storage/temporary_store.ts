import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { afterEach } from "vitest";
import { Database, type DatabaseOptions } from "../../../src/storage/database.js";

const folders: string[] = [];
const open: Database[] = [];

afterEach(async () => {
  for (const database of open.splice(0)) await database.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A path in a folder of its own, removed after the test. */
export function temporaryPath(name = "store.db"): string {
  const folder = mkdtempSync(join(tmpdir(), "embedless-"));
  folders.push(folder);
  return join(folder, name);
}

/** Opens (by default makes) a store; closed after the test. */
export async function openDatabase(path = temporaryPath(), options: Partial<DatabaseOptions> = {}): Promise<Database> {
  const defaults = { create: true, readOnly: false, durability: "normal" as const, lockTimeoutMs: 2_000 };
  const database = await Database.open(path, { ...defaults, ...options });
  open.push(database);
  return database;
}

/** Runs `work` on a plain SQLite connection beside the library, as a vandal or another program would. */
export function tamper<T>(path: string, work: (raw: InstanceType<typeof DatabaseSync>) => T): T {
  const raw = new DatabaseSync(path, {});
  try {
    return work(raw);
  } finally {
    raw.close();
  }
}

/** The code of the error that `work` throws or rejects with, "none" if it succeeds. */
export async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return "none";
  } catch (error) {
    return String((error as { code?: unknown }).code ?? error);
  }
}
