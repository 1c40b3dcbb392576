/** Where a store finds its embedder again, after a server or a model folder has moved. */

import { existsSync } from "node:fs";
import type { Embedder, EmbedderSource } from "../api/embedder.js";
import { resolveOpenOptions } from "../api/open.js";
import { EmbedlessError } from "../base/errors.js";
import { Slots } from "../base/slots.js";
import { checkCanaries } from "../embed/fingerprint.js";
import { getCanaries } from "../storage/canaries.js";
import { Database } from "../storage/database.js";
import { type Meta, readMeta, readSoundMeta, writeMeta } from "../storage/meta.js";

/**
 * What a store's file says of its embedder; `undefined` for a store without passages or with an embedder that cannot be
 * made from it, and for a file that is no store or too damaged to say.
 */
export async function storedSource(path: string): Promise<EmbedderSource | undefined> {
  if (!existsSync(path)) return undefined;
  let database: Database | undefined;
  try {
    const opening = { ...resolveOpenOptions(), create: false, readOnly: true, strangers: true };
    database = await Database.open(path, opening);
    return readSoundMeta(database.reader).embedder?.source as EmbedderSource | undefined;
  } catch (error) {
    // Whatever is wrong with the file, the command that uses it says so.
    if (error instanceof EmbedlessError) return undefined;
    throw error;
  } finally {
    await database?.close();
  }
}

/** The part of a source that says where the embedder is, by kind; the rest says what it is. */
const PLACES: Readonly<Record<string, string>> = { http: "url", onnx: "folder" };

/**
 * Writes into the store where its embedder is now, if the given one is elsewhere than the file says. The store must be
 * closed.
 *
 * @throws EmbedlessError `MODEL_MISMATCH` if the embedder there does not give the store's vectors, `EMBEDDER_*`, `LOCKED`,
 *   `IO`
 */
export async function updateAddress(path: string, embedder: Embedder): Promise<void> {
  const database = await Database.open(path, { ...resolveOpenOptions(), create: false });
  try {
    const meta = readMeta(database.reader);
    if (movedSource(meta, embedder) === undefined) return;
    const { id, batchCosine } = meta.embedder!;
    await checkCanaries(embedder, getCanaries(database.reader), {
      lengths: meta.metric !== "cosine",
      expected: id,
      oneByOne: batchCosine === undefined ? undefined : new Slots(1),
    });
    await database.write((tx) => {
      const now = readMeta(tx);
      const source = movedSource(now, embedder);
      if (source !== undefined) writeMeta(tx, { embedder: { ...now.embedder!, source } });
    });
  } finally {
    await database.close();
  }
}

/** The stored source with the place of the given embedder; `undefined` if they are of different kinds or in one place. */
function movedSource({ embedder: stored }: Meta, embedder: Embedder): Record<string, unknown> | undefined {
  const before = stored?.source as Record<string, unknown> | undefined;
  const given = embedder.source as Record<string, unknown> | undefined;
  if (!before || !given || stored?.id !== embedder.id || before["kind"] !== given["kind"]) return undefined;
  const place = PLACES[String(given["kind"])];
  if (place === undefined || before[place] === given[place]) return undefined;
  return { ...before, [place]: given[place] };
}
