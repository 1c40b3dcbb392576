import { isDeepStrictEqual, types } from "node:util";
import { type BaseNode, jsonToNode, TextNode } from "llamaindex";
import type { AddItem, Metadata, Passage } from "../../src/index.js";
import { invalid } from "../errors.js";

/**
 * The key of a passage's metadata that holds what is needed to make its node again. All other keys are the node's own
 * metadata, so filters, indexes and other readers of the file find them under their names.
 */
export const RECORD = "_llamaindex";

/** The parts of a node that are neither its id nor its metadata, and that do not follow from the passage's text. */
interface NodeRecord {
  /** Id of what the node was made from; missing if there is none. */
  source?: string;
  /** The node as JSON, without what `compact` leaves out. */
  node: Metadata;
  /** Where the node's text lies in the passage's text; missing if `node` contains the text. */
  text?: Cut;
  /** Metadata keys whose values are arrays. LlamaIndex's operators treat arrays specially; the core's do not. */
  arrays?: string[];
  /** The keys among them whose arrays are empty. */
  emptyArrays?: string[];
  /** The node's own metadata under the key of this record. */
  shadowed?: unknown;
}

/** A text as `before` + the passage's text from `start` on + `after`. Values of zero and empty strings are left out. */
interface Cut {
  start?: number;
  before?: string;
  after?: string;
}

/** The values that most nodes have. */
const usual = (): Metadata => ({
  type: "TEXT",
  excludedEmbedMetadataKeys: [],
  excludedLlmMetadataKeys: [],
  relationships: {},
  textTemplate: "",
  metadataSeparator: "\n",
});

/**
 * Converts a node to an item of the core.
 *
 * @param text The text that was embedded for it.
 * @throws `INVALID_ARGUMENT` for a node that JSON cannot hold or that LlamaIndex could not make again
 */
export function toItem(node: BaseNode, text: string): AddItem {
  const { metadata = {}, ...whole } = asJson(node);
  const own = metadata as Metadata;
  const source = node.relationships?.SOURCE;
  const arrays = Object.keys(own).filter((key) => Array.isArray(own[key]));
  const emptyArrays = arrays.filter((key) => (own[key] as unknown[]).length === 0);
  const { [RECORD]: shadowed, ...open } = own;
  const record: NodeRecord = {
    ...(source && !Array.isArray(source) && { source: source.nodeId }),
    ...compact(whole, own, text),
    ...(arrays.length > 0 && { arrays }),
    ...(emptyArrays.length > 0 && { emptyArrays }),
    ...(shadowed !== undefined && { shadowed }),
  };
  const item = { id: node.id_, text, metadata: { ...open, [RECORD]: record as unknown } };
  const { hash } = whole;
  // LlamaIndex computes this hash again for most nodes.
  delete record.node["hash"];
  if (attempt(node, () => rebuild(item).hash) !== hash) record.node["hash"] = hash;
  return item;
}

/**
 * Converts a passage back to its node, of the same class. A passage that LlamaIndex did not add becomes a `TextNode`.
 */
export function toNode(passage: Passage): BaseNode {
  return rebuild(passage);
}

/** Id of what the passage's node was made from. */
export function sourceOf({ metadata }: Passage): string | undefined {
  return (metadata[RECORD] as NodeRecord | undefined)?.source;
}

function rebuild({ id, text, metadata }: { id?: string; text: string; metadata?: Metadata }): BaseNode {
  const { [RECORD]: found, ...own } = metadata ?? {};
  const record = found as NodeRecord | undefined;
  if (record === undefined) return new TextNode({ id_: id, text, metadata: own });
  if (record.shadowed !== undefined) own[RECORD] = record.shadowed;
  const json: Metadata = { ...expand(record, own, text), id_: id, metadata: own };
  const node = jsonToNode(json);
  // LlamaIndex's constructors omit a start of 0 and properties of the caller's own classes.
  for (const key of Object.keys(json)) if (!(key in node)) Object.assign(node, { [key]: json[key] });
  if (typeof json["hash"] === "string") node.hash = json["hash"];
  return node;
}

/** Removes what `expand` can restore from a node's JSON. */
function compact(whole: Metadata, own: Metadata, passage: string): Pick<NodeRecord, "node" | "text"> {
  const { text, relationships, ...rest } = whole;
  const cut = typeof text === "string" ? cutOf(text, passage) : undefined;
  if (!cut) return { node: whole };
  const defaults = usual();
  const node = Object.fromEntries(
    Object.entries(rest).filter(([key, value]) => !isDeepStrictEqual(value, defaults[key])),
  );
  const related = mapRelated(relationships, ({ metadata, ...info }) =>
    isDeepStrictEqual(metadata, own) ? info : { ...info, metadata },
  );
  if (!isDeepStrictEqual(related, {})) node["relationships"] = related;
  const record = { node, text: cut };
  // JSON that differs from LlamaIndex's own classes is kept as it is.
  return isDeepStrictEqual(expand(record, own, passage), whole) ? record : { node: whole };
}

function expand({ node, text }: Pick<NodeRecord, "node" | "text">, own: Metadata, passage: string): Metadata {
  if (!text) return node;
  const { start = 0, before = "", after = "" } = text;
  const relationships = mapRelated(node["relationships"] ?? {}, (info) =>
    "metadata" in info ? info : { ...info, metadata: structuredClone(own) },
  );
  return { ...usual(), ...node, relationships, text: before + passage.slice(start) + after };
}

/** Where `text` lies at the end of `passage`, if it does. White space around it may be missing there. */
function cutOf(text: string, passage: string): Cut | undefined {
  const inner = text.trim();
  // Storing changes a text with half a character, so the node keeps its own text.
  if (!passage.endsWith(inner) || !(text as string & { isWellFormed(): boolean }).isWellFormed()) return;
  const at = inner === "" ? text.length : text.indexOf(inner);
  const start = passage.length - inner.length;
  const [before, after] = [text.slice(0, at), text.slice(at + inner.length)];
  return { ...(start > 0 && { start }), ...(before && { before }), ...(after && { after }) };
}

/** Changes both ends of all relationships. Lists keep their order. */
function mapRelated(relationships: unknown, change: (info: Metadata) => Metadata): Metadata {
  const changed = (end: unknown): unknown => {
    if (Array.isArray(end)) return end.map(changed);
    return typeof end === "object" && end !== null ? change(end as Metadata) : end;
  };
  return Object.fromEntries(
    Object.entries((relationships ?? {}) as Metadata).map(([kind, end]) => [kind, changed(end)]),
  );
}

/** A node as JSON: dates become strings, and undefined values disappear. Its vector is not read. */
function asJson(node: BaseNode): Metadata {
  return attempt(node, () => {
    const { embedding: _, id_: __, ...whole } = node.toJSON();
    return JSON.parse(JSON.stringify(whole)) as Metadata;
  });
}

function attempt<T>(node: BaseNode, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const reason = types.isNativeError(error) ? error.message : String(error);
    throw invalid(`The node ${JSON.stringify(node.id_)} cannot be stored as JSON and made again: ${reason}`, error);
  }
}
