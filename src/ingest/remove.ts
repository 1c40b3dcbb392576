import { setImmediate as nextTurn } from "node:timers/promises";
import { throwIfAborted } from "../errors.js";
import type { Passages } from "../passage/passages.js";
import type { Connection } from "../storage/connection.js";
import type { Database } from "../storage/database.js";
import { clearLive } from "../storage/live_bits.js";
import { raiseVersion } from "../storage/meta.js";
import { deleteVectors } from "../storage/vectors.js";

/** Passages removed between two turns of the event loop. */
const REMOVE_SLICE = 128;

/**
 * Removes passages in one transaction: all of them or none.
 *
 * @param ids Distinct ids, unknown ones are passed over; `undefined` removes every passage.
 * @returns how many there were
 */
export async function removePassages(
  database: Database,
  passages: Passages,
  ids: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<number> {
  const remove = async (tx: Connection) => {
    const version = raiseVersion(tx);
    let removed = 0;
    for (let at = 0; ; at += REMOVE_SLICE) {
      throwIfAborted(signal);
      const first = () => passages.page(-1, REMOVE_SLICE, tx).map(({ id }) => id);
      const slice = ids ? ids.slice(at, at + REMOVE_SLICE) : first();
      if (slice.length === 0) return removed;
      const { nodes } = passages.removeByIds(tx, slice);
      clearLive(tx, nodes, version);
      deleteVectors(tx, nodes);
      removed += nodes.length;
      await nextTurn();
    }
  };
  return await database.write(remove, { signal });
}
