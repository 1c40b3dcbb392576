import type { Store } from "../src/index.js";

/** Users of frameworks ask for "all" with a large `k`. Above this number the passages of the store are counted. */
const COMMON_K = 1_000;

/** `k`, or the number of passages in the store if `k` is large and the store has fewer. */
export async function withinStore(k: number, store: Store): Promise<number> {
  return k > COMMON_K ? Math.min(k, Math.max(1, await store.count())) : k;
}
