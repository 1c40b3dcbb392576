import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import iconv from "iconv-lite";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runCommand, startCommand } from "../../support/command_line.js";
import { embeddingServer } from "../../support/embedding_server.js";
import { STEERING } from "../../support/hostile_text.js";
import { tamper } from "../storage/temporary_store.js";

let folder: string;
const run = (...args: string[]) => runCommand(args, { cwd: folder });
const at = (name: string) => join(folder, name);

const passages = [
  { id: "ferry", text: "The last ferry leaves at nine.\n\tFrom the pier.", metadata: { topic: "travel", year: 2024 } },
  { id: "bread", text: "Let the dough rest for an hour. 🥖", metadata: {} },
  { id: "lynx", text: "A lynx is shy of people.", metadata: { topic: "animals" } },
];
const asLines = (some: object[]) => some.map((passage) => `${JSON.stringify(passage)}\n`).join("");

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "embedless-exchange-"));
  // As an editor of Windows saves it, with an empty line at its end.
  writeFileSync(at("in.jsonl"), `\uFEFF${asLines(passages).replaceAll("\n", "\r\n")}\r\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("imports lines of JSON, embeds nothing twice, and exports the same lines", async () => {
  const first = await run("import", "s.db", "in.jsonl");
  expect([first.code, first.stderr]).toEqual([0, ""]);
  expect(first.stdout).toMatch(/^added 3 · replaced 0 · unchanged 0 after/m);
  const again = await run("import", "s.db", "in.jsonl", "--json");
  expect(JSON.parse(again.stdout)).toMatchObject({ added: 0, updated: 0, unchanged: 3, truncated: 0 });
  const out = await run("export", "s.db");
  expect([out.code, out.stderr]).toEqual([0, ""]);
  expect(out.stdout).toBe(asLines(passages));
  expect((await run("export", "s.db", "--filter", '{"topic":"travel"}')).stdout).toBe(asLines(passages.slice(0, 1)));
});

it("says which keys of the lines it has no place for", async () => {
  const lines = [{ text: "one", title: "A", url: "u" }, { text: "two", title: "B" }, { text: "three" }];
  writeFileSync(at("keys.jsonl"), asLines(lines));
  const made = await run("import", "keys.db", "keys.jsonl");
  expect(made.stdout).toMatch(
    /^ {2}not stored: "title" of 2 lines, "url" of 1 line; a passage has id, text, metadata/m,
  );
  const again = await run("import", "keys2.db", "keys.jsonl", "--json");
  expect(JSON.parse(again.stdout)).toMatchObject({ added: 3, ignored: { title: 2, url: 1 } });
  expect((await run("import", "keys3.db", "in.jsonl")).stdout).not.toContain("not stored");
});

it("makes a store of the kind that was asked for", async () => {
  const made = await run("import", "kept.db", "in.jsonl", "--vectors", "float16", "--keywords");
  expect([made.code, made.stderr]).toEqual([0, ""]);
  const stats = await run("stats", "kept.db", "--json");
  expect(JSON.parse(stats.stdout)).toMatchObject({ passages: 3, vectors: "float16" });
  const found = await run("search", "kept.db", "lynx", "--mode", "keyword", "--json");
  expect(JSON.parse(found.stdout).hits[0].id).toBe("lynx");
});

it.each([
  ["no.jsonl", undefined, /no\.jsonl/],
  ["broken.jsonl", `${asLines(passages.slice(0, 1))}{"text": `, /Line 2 of broken\.jsonl/],
  ["array.jsonl", "[1]\n", /Line 1 .*object/],
  [
    "mixed.jsonl",
    Buffer.concat([Buffer.from('{"text": "ö"}\n{"text": "'), Buffer.from([0xff])]),
    /Line 2 of mixed\.jsonl is not UTF-8, although/,
  ],
  [
    "unknown.jsonl",
    Buffer.from('{"text": "\x81\x8d\x8f"}\n', "latin1"),
    /Line 1 of unknown\.jsonl is not UTF-8, and its enc/,
  ],
  ["utf32.jsonl", Buffer.from([0xff, 0xfe, 0, 0, 0x7b, 0, 0, 0]), /Line 1 of utf32\.jsonl is UTF-32/],
  ["steering.jsonl", '{"text": \x1b[31m"x\x07"}\n', /Line 1 of steering\.jsonl is not a passage/],
  ["no_text.jsonl", '{"id": "a"}\n', /Line 1 .*text/],
  [
    "bad_id.jsonl",
    '\n{"text": " "}\n{"id": 7, "text": "x"}\n',
    /Line 3 of bad_id\.jsonl is refused: .* for id, but received 7/,
  ],
  ["bad_vector.jsonl", '{"text": "x", "vector": "y"}\n', /Line 1 of bad_vector\.jsonl is refused: .*vector/],
  [
    "bad_metadata.jsonl",
    '{"text": "x"}\n{"text": "x", "metadata": [1]}\n',
    /Line 2 of .* for metadata, but received an array/,
  ],
])("refuses %s in one sentence", async (name, content, says) => {
  if (content !== undefined) writeFileSync(at(name), content);
  const { code, stdout, stderr } = await run("import", `${name}.db`, name);
  expect([code, stdout.replace(/^committed.*\n/gm, "")]).toEqual([1, ""]);
  expect(stderr).toMatch(says);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(stderr).not.toMatch(STEERING);
});

it("leaves no new store where nothing came into it, and an old one as it was", async () => {
  writeFileSync(at("wrong.jsonl"), '{"text": "x", "id": 7}\n');
  writeFileSync(at("right.jsonl"), '{"text": "x"}\n');
  expect(await run("import", "fresh.db", "wrong.jsonl")).toMatchObject({ code: 1 });
  expect(readdirSync(folder).filter((name) => name.startsWith("fresh.db"))).toEqual([]);
  await run("import", "fresh.db", "right.jsonl");
  expect(await run("import", "fresh.db", "wrong.jsonl")).toMatchObject({ code: 1 });
  expect(JSON.parse((await run("stats", "fresh.db", "--json")).stdout)).toMatchObject({ passages: 1 });
});

it("names the line of a passage that is refused far behind the first commit", async () => {
  const lines = Array.from({ length: 1_500 }, (_, i) => `{"text": "${i % 100 === 0 ? " " : `t${i}`}"}\n`);
  lines[1_301] = '{"text": "x", "id": ""}\n';
  writeFileSync(at("long.jsonl"), lines.join(""));
  const server = await embeddingServer();
  try {
    const model = ["--model", "fake", "--url", server.url];
    const { code, stderr } = await run("import", "long.db", "long.jsonl", ...model);
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^embedless: Line 1302 of long\.jsonl is refused: .*INVALID_ID/),
    ]);
  } finally {
    await server.close();
  }
});

it("skips and counts passages without text", async () => {
  writeFileSync(at("blank.jsonl"), `${asLines(passages)}{"text": ""}\n{"text": " \\n", "id": "x"}\n`);
  const { code, stdout } = await run("import", "blank.db", "blank.jsonl");
  expect([code, stdout]).toEqual([
    0,
    expect.stringMatching(/^added 3 · replaced 0 · unchanged 0 · skipped 2 without text/m),
  ]);
  const again = await run("import", "blank.db", "blank.jsonl", "--json");
  expect(JSON.parse(again.stdout)).toMatchObject({ unchanged: 3, skipped: 2, encoding: "utf-8", guessed: false });
});

it.each([
  ["latin1", "latin1", "windows-1252", true],
  ["UTF-16 with a mark", "utf-16", "utf-16le", false],
  ["UTF-16LE", "utf-16le", "utf-16le", true],
  ["UTF-16BE", "utf-16be", "utf-16be", true],
])("imports lines in %s, and says so", async (name, form, encoding, guessed) => {
  const texts = ["Die Straße führt über die Brücke.", "Größere Schiffe können hier nicht anlegen.", "plain", "schön"];
  const given = texts.map((text, i) => ({ id: `p${i}`, text, metadata: {} }));
  writeFileSync(at("encoded.jsonl"), iconv.encode(asLines(given), form));
  const store = `${name}.db`;
  const { stdout } = await run("import", store, "encoded.jsonl", "--json");
  expect(JSON.parse(stdout)).toMatchObject({ added: 4, encoding, guessed });
  expect((await run("export", store)).stdout).toBe(asLines(given));
  expect((await run("import", store, "encoded.jsonl")).stdout).toMatch(
    guessed ? /^ {2}read as \S+, a guess$/m : /^ {2}read as \S+$/m,
  );
});

it("imports a text with separators of lines in it", async () => {
  const odd = [{ id: "odd", text: "one\u2028two\u2029three\u0085four", metadata: { note: "\u202Ebidi\u007F" } }];
  writeFileSync(at("odd.jsonl"), asLines(odd));
  expect((await run("import", "odd.db", "odd.jsonl")).code).toBe(0);
  const { stdout } = await run("export", "odd.db");
  expect(JSON.parse(stdout)).toEqual(odd[0]);
  expect(stdout).not.toMatch(/[\u007F-\u009F\u2028\u2029\u202E]/);
});

it("Ctrl-C ends an import that waits for a pipe", async () => {
  execFileSync("mkfifo", [at("pipe")]);
  const running = startCommand(["import", "piped.db", "pipe"], { cwd: folder });
  let writer: number | undefined;
  while (writer === undefined && running.child.exitCode === null) {
    await new Promise((done) => setTimeout(done, 20));
    try {
      writer = openSync(at("pipe"), constants.O_WRONLY | constants.O_NONBLOCK); // fails until somebody reads
    } catch {}
  }
  writeSync(writer!, asLines(passages.slice(0, 1)));
  while (!existsSync(at("piped.db"))) await new Promise((done) => setTimeout(done, 20));
  running.child.kill("SIGINT");
  const ended = await running.ended;
  closeSync(writer!);
  expect([ended.code, ended.stderr]).toEqual([
    130,
    expect.stringMatching(/^embedless: Stopped with [01] passages safe/),
  ]);
});

it("backs up into a file that is not there, and over one only if told to", async () => {
  const done = await run("backup", "s.db", "copy.db");
  expect([done.code, done.stderr]).toEqual([0, ""]);
  expect((await run("export", "copy.db")).stdout).toBe(asLines(passages));
  const refused = await run("backup", "s.db", "copy.db");
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/^embedless: .*copy\.db.*overwrite/);
  const replaced = await run("backup", "s.db", "copy.db", "--overwrite", "--json");
  expect(JSON.parse(replaced.stdout)).toEqual({ file: at("copy.db"), bytes: readFileSync(at("copy.db")).length });
  expect((await run("backup", "none.db", "x.db")).stderr).toMatch(/none\.db/);
  expect(existsSync(at("x.db"))).toBe(false);
});

it("verifies, and repairs what is damaged", async () => {
  const whole = await run("verify", "s.db");
  expect([whole.code, whole.stdout, whole.stderr]).toEqual([0, "3 passages: all is well.\n", ""]);
  expect((await run("repair", "s.db")).stdout).toBe("3 passages: all is well, nothing was done.\n");
  tamper(at("s.db"), (raw) => raw.exec("UPDATE meta SET value = '7' WHERE key = 'passages'"));
  const damaged = await run("verify", "copy.db");
  expect(damaged.code).toBe(0);
  const refused = await run("verify", "s.db");
  expect(refused.code).toBe(1);
  expect(refused.stderr + refused.stdout).toMatch(/meta/);
  const mended = await run("repair", "s.db");
  expect(mended.code, mended.stderr).toBe(0);
  expect(mended.stdout).toMatch(/^3 passages in a new store; the damaged one is/);
  expect((await run("export", "s.db")).stdout).toBe(asLines(passages));
});
