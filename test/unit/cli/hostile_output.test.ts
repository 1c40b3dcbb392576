import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { Hit, SearchCost } from "../../../src/api/search.js";
import type { Stats } from "../../../src/api/stats.js";
import { EmbedlessError } from "../../../src/base/errors.js";
import { reportFailure, sentenceOf } from "../../../src/cli/failures.js";
import { explainLines, hitLines } from "../../../src/cli/hits.js";
import { keptSentence, summaryLines } from "../../../src/cli/summary.js";
import { clip, clipStart, columnsOf, jsonLine, printable, terminalOf, wrap } from "../../../src/cli/terminal.js";
import { LeftOut } from "../../../src/folder/files.js";
import { httpEmbedder, VectorStore } from "../../../src/index.js";
import { runCommand } from "../../support/command_line.js";
import { embeddingServer } from "../../support/embedding_server.js";
import { fakeEmbedder } from "../../support/fake_embedder.js";
import { HOSTILE, hostileJson, hostileText, STEERING } from "../../support/hostile_text.js";

/** What a terminal that takes colour is sent. */
function screen(columns = 80) {
  let written = "";
  const write = (text: string) => {
    written += text;
    return true;
  };
  const stream = { isTTY: true, columns, write } as unknown as NodeJS.WriteStream;
  return { terminal: terminalOf(stream), written: () => written };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the styles and the wiping that the commands themselves send
const OWN = /\x1b\[(?:1|2|22|36|39|31)m|\r|\x1b\[K/g;

/** The lines that were sent, which must hold nothing that steers, apart from our own styles. */
function linesOf(written: string): string[] {
  const bare = written.replace(OWN, "");
  expect(bare).not.toMatch(STEERING);
  return bare.split("\n").slice(0, -1);
}

const cost: SearchCost = {
  recomputed: 1,
  embedded: 1,
  cached: 0,
  kept: 0,
  scanned: 1,
  dismissed: 0,
  totalMs: 1,
  queryMs: 0,
  scanMs: 0,
  readMs: 0,
  recomputeMs: 1,
  keywordMs: 0,
};

describe("whatever is in names, metadata, texts and errors", () => {
  const check = (property: fc.IRawProperty<unknown>) => fc.assert(property, { seed: 11, numRuns: 100 });

  it("line writes one line, over none", () => {
    check(
      fc.property(hostileText(), hostileText(), (first, second) => {
        const { terminal, written } = screen();
        terminal.line(first + terminal.style("bold", second) + first);
        expect(linesOf(written())).toHaveLength(1);
        terminal.over(first);
        expect(linesOf(`${written()}\n`)).toHaveLength(2);
      }),
    );
  });

  it("a hit has its lines and no more", () => {
    const hit = fc.record({
      id: hostileText(),
      text: hostileText(),
      metadata: fc.record(
        { source: hostileJson(), heading: hostileJson(), lines: hostileJson() },
        { requiredKeys: [] },
      ),
      score: fc.double({ noNaN: true, min: -1, max: 1 }),
    });
    check(
      fc.property(hit, hostileText(), (one, question) => {
        const { terminal, written } = screen(40);
        const lines = hitLines(one as Hit, 1, terminal, { question, lines: 3 });
        for (const line of lines) terminal.line(line);
        const shown = linesOf(written());
        expect(shown).toHaveLength(lines.length);
        expect(shown.length).toBeLessThanOrEqual(5);
        for (const line of shown) expect(columnsOf(line)).toBeLessThanOrEqual(40);
      }),
    );
    expect(explainLines({ hits: [], expectedRecall: undefined, cost }).join("\n")).not.toMatch(STEERING);
  });

  it("a failure is one line", () => {
    check(
      fc.property(hostileText(), hostileText(), (message, code) => {
        const { terminal, written } = screen();
        terminal.line(sentenceOf(Object.assign(new Error(message), { code })));
        expect(linesOf(written())).toHaveLength(1);
      }),
    );
    expect(sentenceOf(new Error("x".repeat(1e6))).length).toBeLessThan(5_000);
  });

  it("a summary has its lines and no more", () => {
    check(
      fc.property(hostileText(), (name) => {
        const leftOut = new LeftOut();
        leftOut.add("binary", name);
        leftOut.add("nameNotUtf8", name);
        const kept = [{ root: name, why: "missing", files: 1, passages: 2 } as const];
        const stats = {
          path: name,
          passages: 1,
          rawBytes: 1,
          fileBytes: 1,
          codes: "lvq8",
          pending: 0,
          codeBytesPerPassage: 1,
        };
        const passedOver = { excluded: 0, otherEnding: 0, hidden: 0 };
        const decoded = [{ path: name, encoding: name, guessed: true }];
        const counts = { files: 1, added: 1, unchanged: 0, removed: 0, truncated: 0, seconds: 1, maxFileSize: 1 };
        const summary = { store: name, kept, decoded, passedOver, ...counts };
        const { terminal, written } = screen();
        const lines = summaryLines(
          { ...summary, kept: [...kept], leftOut: leftOut.paths, stats: stats as unknown as Stats },
          500,
        );
        for (const line of [...lines, keptSentence(kept)]) terminal.line(line);
        expect(linesOf(written())).toHaveLength(8);
      }),
    );
  });

  it("JSON is one line that says the same", () => {
    check(
      fc.property(hostileJson(), (value) => {
        const line = jsonLine(value);
        expect(linesOf(line)).toHaveLength(1);
        expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it("the stack that EMBEDLESS_DEBUG asks for steers nothing either", () => {
    let written = "";
    vi.stubEnv("EMBEDLESS_DEBUG", "1");
    const write = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
      written += String(text);
      return true;
    });
    try {
      expect(reportFailure(new EmbedlessError("IO", HOSTILE, { cause: new Error(HOSTILE) }))).toBe(1);
    } finally {
      write.mockRestore();
      vi.unstubAllEnvs();
    }
    expect(written).not.toMatch(STEERING);
    expect(written).toMatch(/^embedless: x.*\(IO\)\n/);
  });
});

describe("the work of printing", () => {
  afterEach(() => void vi.restoreAllMocks());

  // A segmenter takes time with the square of what it is given at once.
  it.each([
    ["clip", (text: string) => clip(text, 80), 1_000],
    ["clipStart", (text: string) => clipStart(text, 80), 4_000],
    ["columnsOf", (text: string) => columnsOf(text), 80_000],
    ["wrap", (text: string) => wrap(text, 80), 200_000],
    ["a hit", (text: string) => hitLines(longHit(text), 1, screen().terminal, { question: "x", lines: 4 }), 200_000],
  ])("%s gives the segmenter little at once and little in all", (_, print, most) => {
    const given: number[] = [];
    const { segment } = Intl.Segmenter.prototype;
    vi.spyOn(Intl.Segmenter.prototype, "segment").mockImplementation(function (this: Intl.Segmenter, text) {
      given.push(text.length);
      return segment.call(this, text);
    });
    for (const unit of ["é", "漢", "e\u0301", "é "]) {
      given.length = 0;
      print(unit.repeat(40_000 / unit.length));
      expect(given.reduce((most, length) => Math.max(most, length), 0)).toBeLessThanOrEqual(256);
      expect(given.reduce((sum, length) => sum + length, 0)).toBeLessThan(most);
    }
  });

  const longHit = (text: string): Hit => ({ id: text, text, score: 1, metadata: { heading: text, source: text } });
});

it("only terminal.ts writes to the streams", () => {
  const folder = new URL("../../../src/cli/", import.meta.url);
  const direct = /console\.|\b(stdout|stderr)\s*\.\s*write\b/;
  const sources = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  const writers = sources.filter((name) => direct.test(readFileSync(new URL(name, folder), "utf8")));
  expect(writers).toEqual(["terminal.ts"]);
});

describe("from end to end", () => {
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "embedless-hostile-"));
    const name = HOSTILE.replaceAll("\0", "");
    writeFileSync(join(folder, `${name}.md`), `# ${name}\n\nA text about harbours ${name}\n`);
    writeFileSync(join(folder, `${name}2.md`), Buffer.from([65, 0, 66]));
    const embedder = { ...fakeEmbedder(), id: `id${HOSTILE}` };
    const store = await VectorStore.open(join(folder, "foreign.db"), { embedder, keywords: true });
    const metadata = { source: HOSTILE, heading: { toString: 1 }, lines: { from: 1, to: { valueOf: 2 } } };
    await store.add([{ id: HOSTILE.replaceAll("\0", ""), text: `harbours ${HOSTILE}`, metadata }]);
    await store.close();
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("no command lets anything through", { timeout: 60_000 }, async () => {
    const server = await embeddingServer();
    const refusing = await embeddingServer({ refusal: HOSTILE });
    const model = ["--model", "fake", "--url", server.url];
    try {
      const search = ["search", "foreign.db", "harbours", "--mode", "keyword"];
      for (const [code, ...args] of [
        [0, "build", "s.db", ".", ...model],
        [0, "search", "s.db", "harbours", "--explain"],
        [0, "search", "s.db", "harbours", "--json"],
        [0, "stats", "s.db"],
        [0, ...search],
        [0, ...search, "--json", "--explain"],
        [0, "stats", "foreign.db"],
        [0, "stats", "foreign.db", "--json"],
        [0, "export", "foreign.db"],
        [1, "search", "foreign.db", "harbours"],
        [1, "build", "t.db", ".", "--model", "fake", "--url", refusing.url],
        [1, "import", "s.db", `no${HOSTILE.replaceAll("\0", "")}`],
        [1, "stats", `no${HOSTILE.replaceAll("\0", "")}`],
        [2, HOSTILE.replaceAll("\0", "")],
        [2, "search", "s.db", "x", "--filter", HOSTILE.replaceAll("\0", "")],
        [2, "search", "s.db", "x", "--k", HOSTILE.replaceAll("\0", "")],
      ] as [number, ...string[]][]) {
        const ended = await runCommand(args, { cwd: folder });
        expect([args, ended.code, ended.stdout + ended.stderr]).toEqual([
          args,
          code,
          expect.not.stringMatching(STEERING),
        ]);
        expect(ended.stdout + ended.stderr).not.toMatch(/^ 1 {2}0\.999/m);
      }
    } finally {
      await Promise.all([server.close(), refusing.close()]);
    }
  });

  it("a library's error from a server quotes it in one line", async () => {
    const refusing = await embeddingServer({ refusal: HOSTILE });
    try {
      const embedder = httpEmbedder({ url: refusing.url, model: "m" });
      const error = await embedder.embedQuery("x").catch((failure: Error) => failure);
      expect(printable(sentenceOf(error))).toMatch(/answered 400: x.*\(EMBEDDER_FAILED\)$/);
    } finally {
      await refusing.close();
    }
  });
});
