import type { Store } from "../src/index.js";

/** The core limits `k`, callers of frameworks mean "all" by large ones: beyond this, see how many passages there are. */
const COMMON_K = 1_000;

/** `k`, or as many passages as the store has where that is fewer and `k` is large. */
export async function withinStore(k: number, store: Store): Promise<number> {
  return k > COMMON_K ? Math.min(k, Math.max(1, await store.count())) : k;
}
