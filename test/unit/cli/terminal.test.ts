import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clip, clipStart, columnsOf, printable, table, terminalOf, wrap } from "../../../src/cli/terminal.js";

function stream(properties: Partial<NodeJS.WriteStream>): { stream: NodeJS.WriteStream; written: string[] } {
  const written: string[] = [];
  const write = (text: string) => written.push(text) > 0;
  return { stream: { write, ...properties } as unknown as NodeJS.WriteStream, written };
}

function withEnvironment<T>(variables: Record<string, string>, run: () => T): T {
  const before = { ...process.env };
  for (const name of ["NO_COLOR", "TERM"]) delete process.env[name];
  Object.assign(process.env, variables);
  try {
    return run();
  } finally {
    process.env = before;
  }
}

describe("terminalOf", () => {
  it.each([
    ["a terminal", { isTTY: true, columns: 132 }, {}, 120, true, true],
    ["a small terminal", { isTTY: true, columns: 60 }, {}, 60, true, true],
    ["a terminal without colour", { isTTY: true, columns: 80 }, { NO_COLOR: "1" }, 80, true, false],
    ["a dumb terminal", { isTTY: true, columns: 80 }, { TERM: "dumb" }, 80, false, false],
    ["a pipe", {}, {}, 80, false, false],
  ])("of %s", (_name, properties, environment, width, live, colour) => {
    const { stream: output, written } = stream(properties);
    const terminal = withEnvironment(environment, () => terminalOf(output));
    expect(terminal.width).toBe(width);
    expect(terminal.live).toBe(live);
    terminal.line(terminal.style("bold", "x"));
    expect(written).toEqual([colour ? "\x1b[1mx\x1b[22m\n" : "x\n"]);
  });
});

describe("wrap", () => {
  it("breaks between words and repeats the indentation", () => {
    expect(wrap("  one two three four five six seven", 24)).toEqual(["  one two three four", "  five six seven"]);
  });

  it("leaves a line that fits as it is, blanks included", () => {
    expect(wrap("a   =   b", 10)).toEqual(["a   =   b"]);
  });

  it("never writes wider than asked and loses nothing", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 200 }).map((raw) => printable(raw).replace(/\s/g, " "));
    fc.assert(
      fc.property(text, fc.integer({ min: 2, max: 90 }), (line, columns) => {
        const lines = wrap(line, columns);
        for (const one of lines) expect(columnsOf(one)).toBeLessThanOrEqual(columns);
        expect(lines.join("").replace(/ /g, "")).toBe(line.replace(/ /g, ""));
      }),
      { seed: 5, numRuns: 300 },
    );
  });
});

describe("columnsOf", () => {
  it.each([
    ["abc", 3],
    ["漢字", 4],
    ["👩‍👩‍👧‍👦", 2],
    ["e\u0301", 1],
    ["", 0],
    ["한글", 4],
    ["é—…", 3],
  ])("%j takes %i", (text, columns) => expect(columnsOf(text)).toBe(columns));
});

it("printable takes out what could steer the terminal", () => {
  expect(printable("a\x1b[31mb\x1b[0m\u0007\u0000c\r\nd\te\u202Ef\x9b1m")).toBe("abc\nd  ef");
  expect(printable("\x1b]0;title\x07x\x1b]8;;http://e\x1b\\y")).not.toContain("\x1b");
});

it("clip and clipStart fit and say that something is missing", () => {
  expect([clip("abcdef", 6), clip("abcdef", 4), clip("漢字漢字", 5)]).toEqual(["abcdef", "abc…", "漢字…"]);
  expect([clipStart("a/b/c.md", 8), clipStart("a/b/c.md", 5)]).toEqual(["a/b/c.md", "…c.md"]);
});

it("table aligns the first column left and the others right", () => {
  expect(
    table([
      ["name", "size"],
      ["a", "1"],
    ]),
  ).toEqual(["name  size", "a        1"]);
});
