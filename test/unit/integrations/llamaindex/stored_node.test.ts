import {
  type BaseNode,
  Document,
  IndexNode,
  MetadataMode,
  NodeRelationship,
  ObjectType,
  SentenceSplitter,
  TextNode,
} from "llamaindex";
import { describe, expect, it } from "vitest";
import { RECORD, sourceOf, toItem, toNode } from "../../../../integrations/llamaindex/stored_node.js";

/** The node after a trip through a store, which keeps JSON. */
function trip(node: BaseNode, text = node.getContent(MetadataMode.EMBED)): BaseNode {
  const { id, metadata } = JSON.parse(JSON.stringify(toItem(node, text)));
  return toNode({ id, text: Buffer.from(text).toString(), metadata });
}

/** All that a node is, as JSON has it, without its vector. */
const plain = ({ embedding: _, ...json }: Record<string, unknown>) => JSON.parse(JSON.stringify(json));

function expectSame(back: BaseNode, node: BaseNode): void {
  expect(plain(back.toJSON())).toEqual(plain(node.toJSON()));
  expect(back.constructor).toBe(node.constructor);
  expect(back.embedding).toBeUndefined();
}

const related = (nodeId: string, metadata = {}) => ({ nodeId, metadata, hash: `hash of ${nodeId}` });

const NODES: Record<string, () => BaseNode> = {
  "a plain text": () => new TextNode({ text: "A hen lays eggs." }),
  "a document": () => new Document({ id_: "hens.md", text: "A hen lays eggs.\n", metadata: { file: "hens.md" } }),
  "an index node": () => new IndexNode({ text: "All about hens", indexId: "hens", metadata: { n: 1 } }),
  "white space around": () => new TextNode({ text: " \n\tA hen\nlays eggs.  \n\n", metadata: { n: 1 } }),
  "no text, only metadata": () => new TextNode({ text: "", metadata: { title: "Hens" } }),
  "white space, only metadata": () => new TextNode({ text: " \n ", metadata: { title: "Hens" } }),
  "excluded keys": () =>
    new TextNode({
      text: "A hen lays eggs.",
      metadata: { a: 1, b: 2, c: 3 },
      excludedEmbedMetadataKeys: ["a"],
      excludedLlmMetadataKeys: ["b", "c"],
    }),
  "a separator, a template, a place": () =>
    new TextNode({
      text: "eggs",
      metadata: { a: 1, b: 2 },
      metadataSeparator: " | ",
      textTemplate: "{content}",
      startCharIdx: 5,
      endCharIdx: 9,
    }),
  "relationships, with its metadata and with others": () =>
    new TextNode({
      text: "A hen lays eggs.",
      metadata: { file: "hens.md", pages: [1, 2] },
      relationships: {
        [NodeRelationship.SOURCE]: {
          ...related("doc", { file: "hens.md", pages: [1, 2] }),
          nodeType: ObjectType.DOCUMENT,
        },
        [NodeRelationship.NEXT]: related("next", { file: "hens.md", pages: [1, 2] }),
        [NodeRelationship.PREVIOUS]: related("previous", { file: "owls.md" }),
        [NodeRelationship.CHILD]: [related("one", { file: "hens.md", pages: [1, 2] }), related("two")],
      },
    }),
  "a relation without metadata": () =>
    new TextNode({
      text: "A hen lays eggs.",
      metadata: { file: "hens.md" },
      relationships: { [NodeRelationship.SOURCE]: { nodeId: "doc" } as never },
    }),
  "metadata named like other things": () =>
    new TextNode({
      text: "eggs",
      metadata: {
        doc_id: "mine",
        ref_doc_id: "too",
        document_id: 3,
        id_: "x",
        text: "other",
        type: "IMAGE",
        hash: "no",
      },
    }),
  "metadata of every kind": () =>
    new TextNode({
      text: "eggs",
      metadata: {
        "a.b": { c: [1, { d: null }] },
        $and: "x",
        when: new Date(0),
        no: undefined,
        nan: Number.NaN,
        deep: [[1]],
      },
    }),
  "a key named __proto__": () =>
    new TextNode({ text: "eggs", metadata: JSON.parse('{"__proto__": {"a": 1}, "b": 2}') }),
  "the key of the record itself": () =>
    new TextNode({ text: "eggs", metadata: { [RECORD]: { source: "fake" }, b: [] } }),
  "half a character": () => new TextNode({ text: "A hen \ud83d", metadata: { n: 1 } }),
  "a whole character beyond the base plane": () => new TextNode({ text: "A hen \u{1f414}", metadata: { n: 1 } }),
  "metadata that hold the text": () => new TextNode({ text: "eggs", metadata: { summary: "eggs and eggs" } }),
};

describe("a node comes back as it went in", () => {
  it.each(Object.keys(NODES))("%s", (name) => {
    const node = NODES[name]!();
    expectSame(trip(node), node);
    expectSame(trip(node, node.getContent(MetadataMode.ALL)), node);
    // Whatever was embedded.
    expectSame(trip(node, "something else"), node);
  });

  it("with a hash that is no longer the one of its content", () => {
    const node = new TextNode({ text: "A hen lays eggs.", metadata: { n: 1 } });
    const { hash } = node;
    node.metadata = { n: 2 };
    expect(node.hash).toBe(hash);
    expect(trip(node).hash).toBe(hash);
  });

  it("with a field that no class of LlamaIndex has", () => {
    const node = Object.assign(new TextNode({ text: "eggs", startCharIdx: 3 }), { startCharIdx: 0, colour: ["brown"] });
    expectSame(trip(node), node);
  });

  it("made by a splitter, each with its neighbours", () => {
    const text = Array.from({ length: 40 }, (_, i) => `Hen number ${i} lays an egg.`).join(" ");
    const document = new Document({ id_: "hens.md", text, metadata: { file: "hens.md" } });
    const nodes = new SentenceSplitter({ chunkSize: 40, chunkOverlap: 5 }).getNodesFromDocuments([document]);
    expect(nodes.length).toBeGreaterThan(5);
    for (const node of nodes) expectSame(trip(node), node);
    expect(trip(nodes[1]!).prevNode?.nodeId).toBe(nodes[0]!.id_);
  });
});

describe("what is kept", () => {
  const recordOf = (node: BaseNode, text?: string) =>
    toItem(node, text ?? node.getContent(MetadataMode.EMBED)).metadata![RECORD] as Record<string, unknown>;

  it("is nothing for a plain node but that it is one", () => {
    const node = new TextNode({ id_: "a", text: "eggs", metadata: { n: 1 } });
    expect(toItem(node, "n: 1\n\neggs")).toEqual({
      id: "a",
      text: "n: 1\n\neggs",
      metadata: { n: 1, [RECORD]: { node: {}, text: { start: 6 } } },
    });
    expect(recordOf(new TextNode({ text: "eggs" }))).toEqual({ node: {}, text: {} });
  });

  it("is the text once, unless it is not what was embedded", () => {
    const node = new TextNode({ text: "A hen lays eggs.\n", metadata: { n: 1 } });
    expect(JSON.stringify(recordOf(node))).not.toContain("hen");
    expect(JSON.stringify(recordOf(node, node.text.trim()))).not.toContain("hen");
    expect(JSON.stringify(recordOf(node, "something else"))).toContain("A hen lays eggs.\\n");
  });

  it("is no vector, and metadata once", () => {
    const metadata = { file: "a file with a long name" };
    const node = new TextNode({
      text: "eggs",
      metadata,
      embedding: [0.125, 0.25],
      relationships: {
        [NodeRelationship.SOURCE]: related("doc", metadata),
        [NodeRelationship.NEXT]: related("n", metadata),
      },
    });
    const item = JSON.stringify(toItem(node, "eggs"));
    expect(item).not.toContain("0.125");
    expect(item.split("a file with a long name")).toHaveLength(2);
  });

  it("is the source", () => {
    const source = (end: unknown) => {
      const node = new TextNode({ text: "eggs", relationships: { [NodeRelationship.SOURCE]: end as never } });
      return sourceOf({ id: "a", text: "eggs", metadata: toItem(node, "eggs").metadata! });
    };
    expect(source(related("doc"))).toBe("doc");
    expect(source([related("doc")])).toBeUndefined();
    expect(source(undefined)).toBeUndefined();
  });
});

it("a passage that was added past LlamaIndex is a text node", () => {
  const node = toNode({ id: "a", text: "eggs", metadata: { n: 1 } });
  expect(node).toBeInstanceOf(TextNode);
  expect(node.toJSON()).toMatchObject({ id_: "a", text: "eggs", metadata: { n: 1 }, type: "TEXT" });
});

it.each([
  [
    "a circle",
    () => {
      const circle: Record<string, unknown> = {};
      circle["self"] = circle;
      return new TextNode({ id_: "bad one", text: "eggs", metadata: circle });
    },
  ],
  ["a bigint", () => new TextNode({ id_: "bad one", text: "eggs", metadata: { n: 1n } })],
  [
    "an unknown type",
    () => Object.defineProperty(new TextNode({ id_: "bad one", text: "eggs" }), "type", { value: "X" }),
  ],
])("%s is refused, naming the node", (_, make) => {
  expect(() => toItem(make(), "eggs")).toThrow(
    expect.objectContaining({ code: "INVALID_ARGUMENT", message: expect.stringContaining('"bad one"') }),
  );
});
