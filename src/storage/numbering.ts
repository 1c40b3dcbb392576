import type { Connection } from "./connection.js";
import { readNumbering } from "./meta.js";

/** Thrown where passages are asked for by nodes that `compact` gave to others meanwhile: whoever found them looks again. */
export class Renumbered extends Error {
  constructor() {
    super("the passages have other nodes now");
  }
}

/** Throws `Renumbered` unless nodes still mean what they meant at `numbering`. Run it on the snapshot that is read. */
export function requireNumbering(c: Connection, numbering: number): void {
  if (readNumbering(c) !== numbering) throw new Renumbered();
}

/**
 * Does `work` again for as long as nodes that it relied on were given to other passages meanwhile.
 *
 * @param refresh Brings up to date what `work` starts from. Default: it reads all itself.
 */
export async function acrossNumberings<T>(work: () => Promise<T>, refresh?: () => Promise<void>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Renumbered)) throw error;
      await refresh?.();
    }
  }
}
