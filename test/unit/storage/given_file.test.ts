import { execFileSync } from "node:child_process";
import { closeSync, linkSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { openGivenFile, readGivenFile } from "../../../src/storage/open_files.js";
import { openDatabase, temporaryPath } from "./temporary_store.js";

it("opens regular files, through links too, and no pipe, device, socket or folder", async () => {
  const file = temporaryPath();
  const folder = dirname(file);
  const at = (name: string) => join(folder, name);
  writeFileSync(at("plain"), "text");
  symlinkSync("plain", at("link"));
  execFileSync("mkfifo", [at("pipe")]);
  for (const name of ["plain", "link"]) {
    const descriptor = openGivenFile(at(name));
    expect(typeof descriptor).toBe("number");
    closeSync(descriptor as number);
    expect(String(await readGivenFile(at(name), 4))).toBe("text");
    expect(await readGivenFile(at(name), 3)).toBe("tooLarge");
  }
  for (const path of [at("pipe"), "/dev/zero", "/dev/null", folder]) expect(openGivenFile(path)).toBe("special");
  expect(() => openGivenFile(at("none"))).toThrow("ENOENT");
});

it("bounds what has no size or grows", async () => {
  // Files of /proc say that they have no bytes.
  expect((await readGivenFile("/proc/self/status", 2 ** 20)).length).toBeGreaterThan(100);
  expect(await readGivenFile("/proc/self/status", 20)).toBe("tooLarge");
});

it("opens no file of a store that is open", async () => {
  const file = temporaryPath();
  const store = await openDatabase(file);
  linkSync(file, `${file}.hard`);
  for (const path of [file, `${file}-shm`, `${file}.hard`])
    expect(await readGivenFile(path, 2 ** 30)).toBe("openStore");
  await store.close();
  expect(Buffer.isBuffer(await readGivenFile(file, 2 ** 30))).toBe(true);
});
