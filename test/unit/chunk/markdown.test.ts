import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { linesOf, markdownBlocks, structureOf as structure } from "../../../src/chunk/markdown.js";

interface Example {
  number: number;
  section: string;
  markdown: string;
  html: string;
}

/** In the specification an arrow stands for a tab. */
const examples = (createRequire(import.meta.url)("commonmark-spec") as { tests: Example[] }).tests.map((example) => {
  const tabs = (text: string) => text.replaceAll("→", "\t");
  return { ...example, markdown: tabs(example.markdown), html: tabs(example.html) };
});

const structureOf = (text: string, partLength?: number) => structure(text, linesOf(text), 0, partLength);

const ENTITIES: Record<string, string> = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&amp;": "&" };
const plain = (html: string) =>
  html.replace(/<[^>]*>/g, "").replace(/&(?:lt|gt|quot|amp);/g, (entity) => ENTITIES[entity]!);
const dense = (text: string) => text.replace(/\s+/g, "");

/** The headings and code blocks that the specification's HTML has. */
function expected({ html }: Example) {
  const headings = [...html.matchAll(/<h([1-6])>(.*?)<\/h\1>/gs)];
  const code = [...html.matchAll(/<pre><code(?: class="[^"]*")?>(.*?)<\/code><\/pre>/gs)];
  return {
    headings: headings.map(([, level, title]) => [Number(level), plain(title!).replace(/\s+/g, " ").trim()]),
    code: code.map(([, content]) => plain(content!)),
  };
}

describe("structureOf sees what the CommonMark specification says", () => {
  it("has its examples", () => expect(examples.length).toBeGreaterThan(600));

  it.each(examples.map((example) => [example.number, example.section, example] as const))(
    "example %i, %s",
    async (_number, _section, example) => {
      const { headings, code } = expected(example);
      const found = await structureOf(example.markdown);
      expect(found.headings.map(({ level, title }) => [level, title])).toEqual(headings);
      expect(found.code).toHaveLength(code.length);
      const lines = linesOf(example.markdown);
      for (const [i, { from, to }] of found.code.entries()) {
        const source = dense(
          lines
            .slice(from, to)
            .map(({ start, end }) => example.markdown.slice(start, end))
            .join(""),
        );
        for (const line of code[i]!.split("\n"))
          expect(source.replaceAll(">", "")).toContain(dense(line).replaceAll(">", ""));
      }
      // The same lines, whatever ends them.
      expect(await structureOf(example.markdown.replaceAll("\n", "\r\n"))).toEqual(found);
    },
  );
});

describe("structureOf reads a text part by part", () => {
  it.each([250, 1_000, 20_000])(
    "of %i characters, which no block of this text has, with the same result",
    async (length) => {
      let text = "";
      let kept = 0;
      for (const { markdown } of examples) {
        const closed = `${markdown}\n\n<!-- -->\n\n# End\n\n`;
        // Some examples leave a block open, which would take all others into itself.
        if ((await structureOf(closed)).headings.at(-1)?.title !== "End") continue;
        text += closed;
        kept++;
      }
      expect(kept).toBeGreaterThan(600);
      expect(await structureOf(text, length)).toEqual(await structureOf(text, text.length));
    },
  );

  it("and knows what goes on behind a part", async () => {
    const fence = `\`\`\`\n${"# no\n\n".repeat(300_000)}\`\`\`\n`;
    const { headings, code } = await structureOf(`# A\n\n${fence}\nB\n---\n`);
    expect(headings.map(({ title }) => title)).toEqual(["A", "B"]);
    expect(code).toEqual([{ from: 2, to: 600_004 }]);
  });

  it("and of an endless block as far as it goes", async () => {
    const { headings } = await structureOf(`${"- # a\n".repeat(1_000)}\n# B\n`, 100);
    expect(headings.filter(({ nested }) => nested)).toHaveLength(1_000);
    expect(headings.at(-1)).toMatchObject({ title: "B", nested: false });
  });
});

/** First words and headings of the blocks. */
const shown = async (text: string) =>
  (await markdownBlocks(text)).map(({ start, end, heading }) => [
    text.slice(start, end).trim().split("\n")[0],
    heading,
  ]);

describe("markdownBlocks", () => {
  it.each([
    [
      "a line of code marks, which opens no fence",
      "```code```\n\n# Title\n\ntext",
      [
        ["```code```", ""],
        ["# Title", "Title"],
      ],
    ],
    [
      "a fence in a list",
      "- a\n\n  ```\n  # no\n  ```\n\n# Title\n",
      [
        ["- a", ""],
        ["```", ""],
        ["# Title", "Title"],
      ],
    ],
    ["a fence that never ends", "# A\n\n~~~\n# no\n", [["# A", "A"]]],
    [
      "a heading in a quotation",
      "# A\n\n> # no\n\ntext",
      [
        ["# A", "A"],
        ["text", "A"],
      ],
    ],
    [
      "a comment",
      "# A\n\n<!--\n# no\n\n# no\n-->\n",
      [
        ["# A", "A"],
        ["# no", "A"],
      ],
    ],
    ["a title of two lines", "One\ntwo\n===\n\ntext", [["One", "One two"]]],
    [
      "references, entities and escapes",
      "[a]: /u\n\n# [A][a] &amp; \\# `x`\n\ntext",
      [
        ["[a]: /u", ""],
        ["# [A][a] &amp; \\# `x`", "A & # x"],
      ],
    ],
    [
      "code that is indented",
      "# A\n\ntext\n\n    code\n\n    # no\n",
      [
        ["# A", "A"],
        ["code", "A"],
      ],
    ],
  ] as [string, string, string[][]][])("%s", async (_, text, blocks) => expect(await shown(text)).toEqual(blocks));

  it.each([
    ["YAML", "---\ntitle: A\ntags:\n  - x\n- y\n# note\n---\n"],
    ["YAML that ends in dots", "---\ntitle: A\n...\n"],
    ["YAML behind a mark", "\uFEFF---\ntitle: A\n---\n"],
    ["YAML of many lines", `---\n${"key: value\n".repeat(300)}---\n`],
    ["TOML", "+++\ntitle = 'A'\n[x]\ny = 1\n+++\n"],
  ])("front matter in %s is one block under the first heading", async (_, front) => {
    const blocks = await shown(`${front}\n# Title\n\ntext\n`);
    expect(blocks.map(([, heading]) => heading)).toEqual(["Title", "Title"]);
    expect(blocks[1]![0]).toBe("# Title");
    expect((await shown(`${front}\ntext\n`)).map(([, heading]) => heading)).toEqual(["", ""]);
    expect(await shown(front)).toHaveLength(1);
  });

  it.each([
    [
      "---\n---\n# A\n",
      [
        ["---", ""],
        ["# A", "A"],
      ],
    ],
    [
      "---\nFoo\n---\n",
      [
        ["---", ""],
        ["Foo", "Foo"],
      ],
    ],
    ["---\ntitle: A\n", [["---", ""]]],
    [
      "---\n\ntext: x\n\nMore of it\n---\n",
      [
        ["---", ""],
        ["text: x", ""],
        ["More of it", "More of it"],
      ],
    ],
  ] as [string, string[][]][])("a line across the page begins no front matter: %j", async (text, blocks) => {
    expect(await shown(text)).toEqual(blocks);
  });
});
