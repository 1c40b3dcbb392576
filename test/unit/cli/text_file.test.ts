import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LARGEST_FILE } from "../../../src/cli/left_out.js";
import { decodeText, readText } from "../../../src/cli/text_file.js";

const TEXT = "Zwölf Boxkämpfer, 日本 😀\n";
const swapped = (bytes: Buffer) => Buffer.from(bytes).swap16();

describe("decodeText", () => {
  it.each([
    ["UTF-8", Buffer.from(TEXT)],
    ["UTF-8 with a mark", Buffer.from(`\uFEFF${TEXT}`)],
    ["UTF-16LE with a mark", Buffer.from(`\uFEFF${TEXT}`, "utf16le")],
    ["UTF-16BE with a mark", swapped(Buffer.from(`\uFEFF${TEXT}`, "utf16le"))],
  ])("reads %s", (_, bytes) => expect(decodeText(bytes)).toEqual({ text: TEXT }));

  it.each([
    ["Latin-1", Buffer.from("Straße", "latin1"), "notUtf8"],
    ["UTF-8 cut inside a character", Buffer.from(TEXT).subarray(0, 3), "notUtf8"],
    ["a zero byte", Buffer.from("a\0b"), "binary"],
    ["UTF-16 without a mark", Buffer.from("text", "utf16le"), "binary"],
    ["UTF-16 with half a character", Buffer.from([0xff, 0xfe, 0x3d, 0xd8]), "binary"],
    ["UTF-16 of odd length", Buffer.from([0xff, 0xfe, 0x41]), "binary"],
    ["UTF-32LE with a mark", Buffer.from([0xff, 0xfe, 0, 0, 0x41, 0, 0, 0]), "binary"],
  ])("leaves out %s", (_, bytes, reason) => expect(decodeText(bytes)).toEqual({ reason }));

  it("reads an empty file", () => expect(decodeText(Buffer.alloc(0))).toEqual({ text: "" }));
});

describe("readText", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "embedless-text-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("reads up to the limit, and nothing that is no file", async () => {
    const file = join(folder, "a.md");
    writeFileSync(file, "x");
    truncateSync(file, LARGEST_FILE + 1);
    expect(await readText(file)).toEqual({ reason: "tooLarge" });
    writeFileSync(file, "x".repeat(LARGEST_FILE));
    expect(await readText(file)).toEqual({ text: "x".repeat(LARGEST_FILE) });
    expect(await readText("/dev/zero")).toEqual({ reason: "special" });
    await expect(readText(join(folder, "none.md"))).rejects.toThrow("ENOENT");
  });
});
