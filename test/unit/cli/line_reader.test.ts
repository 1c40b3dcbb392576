import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import iconv from "iconv-lite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LineReader } from "../../../src/cli/line_reader.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "embedless-lines-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const at = (name: string) => join(folder, name);

async function linesOf(content: string | Buffer, longest?: number): Promise<string[]> {
  writeFileSync(at("in"), content);
  const lines: string[] = [];
  const reader = new LineReader(at("in"), longest);
  for await (const { line, number } of reader.lines()) lines[number - 1] = line;
  expect(reader.share).toBe(content.length === 0 ? 0 : 1);
  return lines;
}

describe("LineReader", () => {
  it.each([
    ["", []],
    ["a", ["a"]],
    ["a\n", ["a"]],
    ["\n\na", ["", "", "a"]],
    ["\uFEFFa\r\nb\uFEFF", ["a\r", "b\uFEFF"]],
    ['{"text":"a\u2028b\u2029c\u0085\u000b"}\n', ['{"text":"a\u2028b\u2029c\u0085\u000b"}']],
  ])("%j has the lines %j", async (content, lines) => expect(await linesOf(content)).toEqual(lines));

  it("ends lines at line feeds alone, wherever the file is cut into pieces", async () => {
    const line = fc.string({ unit: "binary", maxLength: 30 }).filter((text) => !text.includes("\n"));
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 20 }), fc.nat(90_000), async (lines, pad) => {
        const all = ["x".repeat(pad), ...lines.map((text) => text.replace(/^\uFEFF/, "")), "end"];
        expect(await linesOf(all.join("\n"))).toEqual(all);
      }),
      { seed: 8, numRuns: 60 },
    );
  });

  it("names a line that is too long before all of it is read, and one that cannot be decoded", async () => {
    await expect(linesOf(`ok\n${"x".repeat(300_000)}`, 100_000)).rejects.toThrow(
      expect.objectContaining({ code: "LIMIT", message: expect.stringMatching(/^Line 2 of .*100\.0 kB/) }),
    );
    expect(await linesOf(`${"x".repeat(100)}\ny`, 100)).toHaveLength(2);
    await expect(linesOf(Buffer.concat([Buffer.from("ö\nStra"), Buffer.from([0xdf])]))).rejects.toThrow(
      expect.objectContaining({ code: "INVALID_TEXT", message: expect.stringContaining("Line 2 of") }),
    );
  });

  it("reads lines of UTF-16, wherever the file is cut into pieces", async () => {
    const line = fc.string({ unit: "binary", maxLength: 30 }).filter((text) => !text.includes("\n"));
    const form = fc.constantFrom("utf-16", "utf-16le", "utf-16be");
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 20 }), fc.nat(90_000), form, async (lines, pad, form) => {
        const all = [`{${"x".repeat(pad)}`, ...lines.map((text) => Buffer.from(text).toString()), "end"];
        expect(await linesOf(iconv.encode(all.join("\n"), form))).toEqual(all);
      }),
      { seed: 8, numRuns: 60 },
    );
  });

  it("tells an encoding by the lines behind the first that shows it, and names what does not fit it", async () => {
    const text = ["{}", "最終のフェリーは", "九時に島を出ます。切符は", "桟橋の窓口で買えます。"];
    expect(await linesOf(iconv.encode(text.join("\n"), "shift_jis"))).toEqual(text);
    const wrong = Buffer.concat([
      iconv.encode(`${"桟橋の窓口で買えます。\n".repeat(3_000)}`, "shift_jis"),
      Buffer.from([0xff, 0xff]),
    ]);
    await expect(linesOf(wrong)).rejects.toThrow(/^Line 3001 of .* is invalid shift_jis/);
  });

  it.each([
    [
      "half a unit of UTF-16",
      Buffer.from("\uFEFFa\nb", "utf16le").subarray(0, -1),
      /^Line 2 of .* is invalid UTF-16LE/,
    ],
    ["half a character of UTF-16", Buffer.from("\uFEFFa\n\uD83D", "utf16le"), /^Line 2 of .* is invalid UTF-16LE/],
    ["UTF-32", Buffer.from([0xff, 0xfe, 0, 0]), /^Line 1 of .* is UTF-32/],
  ])("names the line of %s", async (_, content, message) => {
    await expect(linesOf(content)).rejects.toThrow(
      expect.objectContaining({ code: "INVALID_TEXT", message: expect.stringMatching(message) }),
    );
  });

  it.each([["/dev/zero"], ["/dev/null"], [tmpdir()]])("refuses %s", (path) => {
    expect(() => new LineReader(path)).toThrow(expect.objectContaining({ code: "IO" }));
  });

  it("reads a named pipe to its end", async () => {
    execFileSync("mkfifo", [at("pipe")]);
    const lines: string[] = [];
    const reading = (async () => {
      for await (const { line } of new LineReader(at("pipe")).lines()) lines.push(line);
    })();
    await new Promise((done) => setImmediate(done)); // the reading end is open now
    const writer = openSync(at("pipe"), "w");
    writeSync(writer, "one\ntw");
    writeSync(writer, "o\n");
    closeSync(writer);
    await reading;
    expect(lines).toEqual(["one", "two"]);
  });

  it("stops while it waits for a pipe that nobody writes to", async () => {
    execFileSync("mkfifo", [at("silent")]);
    const reader = new LineReader(at("silent"));
    const reading = (async () => {
      for await (const { line } of reader.lines()) throw new Error(line);
    })();
    await new Promise((done) => setImmediate(done));
    reader.stop();
    await reading;
  });
});
