import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readText } from "../../../src/folder/encoding.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "embedless-text-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

it("reads up to the limit, and nothing that is no file", async () => {
  const file = join(folder, "a.md");
  writeFileSync(file, "x".repeat(11));
  expect(await readText(file, 10)).toEqual({ reason: "tooLarge" });
  expect(await readText(file, 11)).toEqual({ text: "x".repeat(11), encoding: "utf-8", guessed: false });
  expect(await readText("/dev/zero", 10)).toEqual({ reason: "special" });
  await expect(readText(join(folder, "none.md"), 10)).rejects.toThrow("ENOENT");
});
