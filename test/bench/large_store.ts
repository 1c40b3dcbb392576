import { native } from "../../src/native/native.js";
import type { NativeAddon, NativeCoder } from "../../src/native/surface.js";
import { appendCodes, BLOCK_NODES } from "../../src/storage/codes.js";
import { Database } from "../../src/storage/database.js";
import { setLive } from "../../src/storage/live_bits.js";
import { raiseVersion, writeMeta } from "../../src/storage/meta.js";
import { putCodebook } from "../../src/storage/model_rows.js";
import { decayingVectors } from "./spectrum.js";

const DIMS = 384;
/** Vectors that are encoded; their codes fill the store over and over. */
const DISTINCT = 16 * BLOCK_NODES;
/** Blocks of one transaction. */
const WRITTEN = 64;

/**
 * Writes the codes of so many passages into a new store. There are no texts: what only opens and scans does not miss
 * them.
 *
 * @returns bytes of codes in memory
 */
export async function writeLargeStore(file: string, codes: number): Promise<number> {
  const addon = native();
  const { coder, blocks } = await encodedBlocks(addon);
  const database = await Database.open(file, { create: true, readOnly: false, durability: "normal", lockTimeoutMs: 0 });
  try {
    for (let node = 0; node < codes; ) {
      const from = node;
      await database.write((tx) => {
        const version = raiseVersion(tx);
        if (from === 0) {
          const codebook = { sha256: putCodebook(tx, coder.save()), kind: "own" as const };
          const traits = { metric: "cosine", codes: { bytes: 48 }, vectors: "recompute" } as const;
          writeMeta(tx, { dims: DIMS, ...traits, codebook, embedder: { id: "synthetic" } });
        }
        for (let i = 0; i < WRITTEN && node < codes; i++) {
          const count = Math.min(BLOCK_NODES, codes - node);
          const { rows, exceptions } = blocks[(node / BLOCK_NODES) % blocks.length]!;
          const piece = {
            rows: rows.subarray(0, count * coder.rowBytes),
            exceptions: count < BLOCK_NODES ? NONE : exceptions,
          };
          appendCodes(tx, node, coder.rowBytes, piece, version);
          node += count;
        }
        setLive(tx, from, node - from, version);
        writeMeta(tx, { nextNode: node, passages: node });
      });
    }
  } finally {
    await database.close();
  }
  return codes * coder.rowBytes;
}

const NONE = new Uint8Array();

async function encodedBlocks(addon: NativeAddon) {
  const vectors = decayingVectors(DISTINCT, DIMS, 5);
  const coder: NativeCoder = await addon.trainCodebook(vectors.subarray(0, BLOCK_NODES * DIMS), {
    dims: DIMS,
    metric: "cosine",
  });
  const blocks = [];
  for (let at = 0; at < vectors.length; at += BLOCK_NODES * DIMS) {
    blocks.push(await coder.encode(vectors.subarray(at, at + BLOCK_NODES * DIMS)));
  }
  return { coder, blocks };
}
