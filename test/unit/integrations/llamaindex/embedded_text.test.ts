import { Document, MetadataMode, TextNode } from "llamaindex";
import { describe, expect, it } from "vitest";
import { embeddedTexts } from "../../../../integrations/llamaindex/embedded_text.js";
import { fakeEmbedder } from "../../../support/fake_embedder.js";

const embedder = fakeEmbedder({ dims: 256 });
const vectorOf = async (text: string) => Array.from((await embedder.embedDocuments([text]))[0]!);

/** A node whose vector is that of its text by `mode`. */
async function embedded(mode: MetadataMode, init: ConstructorParameters<typeof TextNode>[0]): Promise<TextNode> {
  const node = new TextNode(init);
  node.embedding = await vectorOf(node.getContent(mode));
  return node;
}

/** Finds the texts, and counts what was embedded for that. */
async function find(nodes: TextNode[], keeps = false) {
  const calls: string[][] = [];
  const texts = await embeddedTexts(nodes, {
    embed: async (some) => {
      calls.push(some);
      return await embedder.embedDocuments(some);
    },
    keepsVectors: async () => keeps,
  });
  return { texts, calls };
}

const init = (n: number) => ({
  id_: `node ${n}`,
  text: `hen number ${n} lays eggs`,
  metadata: { farm: "north", page: n },
  excludedEmbedMetadataKeys: ["page"],
});

describe("the text that was embedded", () => {
  it.each([
    [MetadataMode.EMBED, "farm: north\n\nhen number 1 lays eggs", 1],
    [MetadataMode.NONE, "hen number 1 lays eggs", 2],
    [MetadataMode.ALL, "farm: north\npage: 1\n\nhen number 1 lays eggs", 2],
  ] as const)("is found if it was %s", async (mode, text, calls) => {
    const found = await find([await embedded(mode, init(1))]);
    expect(found.texts).toEqual([text]);
    expect(found.calls).toHaveLength(calls);
  });

  it("of a hundred nodes alike is found with one of them, the shortest", async () => {
    const nodes = await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        embedded(MetadataMode.EMBED, { ...init(n), text: `hen ${"x".repeat(99 - n)}` }),
      ),
    );
    const { texts, calls } = await find(nodes);
    expect(texts).toEqual(nodes.map((node) => node.getContent(MetadataMode.EMBED)));
    expect(calls).toEqual([["farm: north\n\nhen"]]);
  });

  it("is found for each shape on its own, in two calls at most", async () => {
    const nodes = [
      await embedded(MetadataMode.EMBED, init(1)),
      await embedded(MetadataMode.NONE, { text: "an owl", metadata: { session_id: "s" } }),
      await embedded(MetadataMode.ALL, { ...init(2), excludedEmbedMetadataKeys: ["farm"] }),
      await embedded(MetadataMode.NONE, { ...init(3), metadataSeparator: " " }),
      await embedded(MetadataMode.EMBED, { text: "no metadata" }),
    ];
    const { texts, calls } = await find(nodes);
    expect(texts).toEqual([
      "farm: north\n\nhen number 1 lays eggs",
      "an owl",
      "farm: north\npage: 2\n\nhen number 2 lays eggs",
      "hen number 3 lays eggs",
      "no metadata",
    ]);
    expect(calls).toHaveLength(2);
    expect(calls[0]).toHaveLength(4);
  });

  it("is another one for a document than for a node of the same metadata", async () => {
    const node = await embedded(MetadataMode.NONE, { text: "a hen", metadata: { a: 1 } });
    const document = new Document({ text: "an owl", metadata: { a: 1 } });
    document.embedding = await vectorOf(document.getContent(MetadataMode.EMBED));
    expect((await find([node, document])).texts).toEqual(["a hen", "a: 1\n\nan owl"]);
  });

  it("takes no model where there is nothing to tell apart", async () => {
    const nodes = [
      await embedded(MetadataMode.EMBED, { text: "a hen" }),
      new TextNode({ text: "an owl", metadata: { a: 1 } }),
    ];
    const { texts, calls } = await find(nodes);
    expect(texts).toEqual(["a hen", "a: 1\n\nan owl"]);
    expect(calls).toEqual([]);
    expect((await find([])).texts).toEqual([]);
  });

  it("is told by a node with text where another has none", async () => {
    const nodes = [
      await embedded(MetadataMode.EMBED, { text: "", metadata: { title: "hens" } }),
      await embedded(MetadataMode.EMBED, { text: "lay eggs", metadata: { title: "hens" } }),
    ];
    expect((await find(nodes)).texts).toEqual(["title: hens", "title: hens\n\nlay eggs"]);
  });

  it("is the nearest one when vectors come from another kind of processor", async () => {
    const node = await embedded(MetadataMode.NONE, {
      text: "hens lay eggs every day of their first year",
      metadata: { a: 1 },
    });
    const other = await vectorOf("something else");
    node.embedding = node.embedding!.map((x, i) => x + 0.1 * other[i]!);
    expect((await find([node])).texts).toEqual([node.text]);
  });
});

describe("vectors of no text", () => {
  it.each([
    ["another text's", async () => await vectorOf("something else")],
    ["zero", async () => new Array(256).fill(0)],
    ["no numbers", async () => new Array(256).fill(Number.NaN)],
    ["of another length", async () => [1, 0]],
    ["empty", async () => []],
  ])("%s: refused, naming the node, unless the store keeps vectors", async (_, vector) => {
    const nodes = [await embedded(MetadataMode.EMBED, { text: "a hen", metadata: { b: 1 } }), new TextNode(init(1))];
    nodes[1]!.embedding = await vector();
    await expect(find(nodes)).rejects.toMatchObject({
      code: "INVALID_VECTOR",
      message: expect.stringContaining('node "node 1"'),
    });
    expect((await find(nodes, true)).texts).toEqual(["b: 1\n\na hen", "farm: north\n\nhen number 1 lays eggs"]);
  });
});
