import { type BaseNode, MetadataMode } from "llamaindex";
import { EmbedlessError } from "../../src/index.js";

/**
 * The texts that a node's vector may have been made from: with the metadata for embedding, the bare text, or with all
 * metadata.
 */
const MODES = [MetadataMode.EMBED, MetadataMode.NONE, MetadataMode.ALL] as const;

/** At this cosine a candidate is accepted without trying the others: the same text on the same machine. */
const SURE = 0.999;
/** The lowest cosine at which the best candidate is accepted: the same text on another kind of processor. */
const LEAST = 0.99;

/** Helps to find which text a vector was made from. */
export interface Witness {
  /** Embeds passages. */
  embed(texts: string[]): Promise<ArrayLike<number>[]>;
  /** Whether the store keeps vectors, so that they need not come from a text. */
  keepsVectors(): Promise<boolean>;
}

/** A node that represents all nodes of its shape. */
interface Sample {
  node: BaseNode;
  /** The modes that were tried, with their cosines. */
  tried: { mode: MetadataMode; cosine: number }[];
}

/**
 * The text that each node's vector was made from. Pipelines embed `EMBED`, memory blocks embed the bare text. To find
 * which one it was, one node per shape is embedded again. Nodes of one shape have the same class, metadata keys and
 * excluded keys. Nothing is embedded for nodes without a vector, or if all candidates are the same text.
 *
 * @throws `INVALID_VECTOR` naming the node, if no candidate gives a sample's vector and the store keeps no vectors
 */
export async function embeddedTexts(nodes: readonly BaseNode[], witness: Witness): Promise<string[]> {
  const shapes = nodes.map(shapeOf);
  const samples = samplesOf(nodes, shapes);
  await tryModes(samples, MODES.slice(0, 1), witness);
  await tryModes(
    samples.filter((sample) => best(sample).cosine < SURE),
    MODES.slice(1),
    witness,
  );
  const unknown = samples.find((sample) => best(sample).cosine < LEAST);
  if (unknown && !(await witness.keepsVectors())) throw mismatch(unknown);
  const modes = new Map(samples.map((sample) => [shapeOf(sample.node), modeOf(sample)]));
  return nodes.map((node, i) => node.getContent(modes.get(shapes[i]!) ?? MetadataMode.EMBED));
}

/** The node with the shortest text of each shape that needs one. It is cheap to embed, and metadata change it most. */
function samplesOf(nodes: readonly BaseNode[], shapes: readonly string[]): Sample[] {
  const shortest = new Map<string, { node: BaseNode; length: number }>();
  nodes.forEach((node, i) => {
    const known = shortest.get(shapes[i]!);
    const { length } = node.getContent(MetadataMode.NONE);
    if (node.embedding === undefined || (known && known.length <= length)) return;
    const texts = new Set(MODES.map((mode) => node.getContent(mode)));
    if (texts.size > 1) shortest.set(shapes[i]!, { node, length });
  });
  return Array.from(shortest.values(), ({ node }) => ({ node, tried: [] }));
}

/** Embeds the samples' texts in these modes, all in one call. */
async function tryModes(samples: readonly Sample[], modes: readonly MetadataMode[], { embed }: Witness): Promise<void> {
  const trials = samples.flatMap((sample) =>
    modes.flatMap((mode) => {
      const text = sample.node.getContent(mode);
      return text === "" ? [] : { sample, mode, text };
    }),
  );
  const texts = [...new Set(trials.map(({ text }) => text))];
  if (texts.length === 0) return;
  const vectors = await embed(texts);
  for (const { sample, mode, text } of trials) {
    sample.tried.push({ mode, cosine: cosineOf(sample.node.embedding!, vectors[texts.indexOf(text)]!) });
  }
}

function best({ tried }: Sample): { mode: MetadataMode; cosine: number } {
  return tried.reduce((a, b) => (b.cosine > a.cosine ? b : a), { mode: MetadataMode.EMBED, cosine: -1 });
}

function modeOf(sample: Sample): MetadataMode {
  const { mode, cosine } = best(sample);
  return cosine < LEAST ? MetadataMode.EMBED : mode;
}

function shapeOf(node: BaseNode): string {
  const { metadataSeparator } = node as BaseNode & { metadataSeparator?: string };
  const keys = Object.keys(node.metadata ?? {}).sort();
  return JSON.stringify([node.type, metadataSeparator, keys, node.excludedEmbedMetadataKeys]);
}

/** The cosine of two vectors; 0 if they cannot be compared. */
function cosineOf(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return 0;
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!;
    aa += a[i]! ** 2;
    bb += b[i]! ** 2;
  }
  const cosine = dot / Math.sqrt(aa * bb);
  return Number.isFinite(cosine) ? cosine : 0;
}

function mismatch({ node, tried }: Sample): EmbedlessError {
  const cosines = tried.map(({ mode, cosine }) => `${mode} ${cosine.toFixed(4)}`).join(", ");
  return new EmbedlessError(
    "INVALID_VECTOR",
    `The embedding of node ${JSON.stringify(node.id_)} is not what the embedModel makes of its text (cosines: ${cosines}), ` +
      "and this store keeps no vectors but computes them from texts. Leave the embedding out, give the embedModel that " +
      'made it, or create a store with vectors: "float16" or "float32", which keeps vectors that no text reproduces.',
  );
}
