/**
 * Reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009): what stands high in several lists comes first,
 * whatever their scores mean.
 */

/** Of the paper: how little the difference between the first places counts. */
const RANK_CONSTANT = 60;

/** One entry of the fused list. */
export interface Fused<T> {
  readonly item: T;
  /** Sum of 1 / (60 + place) over the lists, places counted from 1. */
  readonly score: number;
}

/**
 * Fuses lists, each best first, into one. Of entries with one key that of the earliest list is taken; equal scores keep
 * the order of the lists.
 */
export function fuse<T>(lists: readonly (readonly T[])[], keyOf: (item: T) => string): Fused<T>[] {
  const fused = new Map<string, { item: T; score: number }>();
  for (const list of lists) {
    for (const [i, item] of list.entries()) {
      const share = 1 / (RANK_CONSTANT + i + 1);
      const known = fused.get(keyOf(item));
      if (known) known.score += share;
      else fused.set(keyOf(item), { item, score: share });
    }
  }
  return [...fused.values()].sort((a, b) => b.score - a.score);
}
