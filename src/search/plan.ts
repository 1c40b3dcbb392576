/** How one search spends recomputes; see `NativeSearch`. */
export interface SearchPlan {
  /** A candidate is recomputed while `estimate + eps * sigma` lies above the k-th best exact score. */
  eps: number;
  /** Passages recomputed between two looks at the bound. */
  batch: number;
  /** Most passages recomputed. */
  cap: number;
  /** Candidates kept from the scan. */
  pool: number;
  /** `approx`: only candidates that estimates cannot tell from the rest are recomputed, from the first round on. */
  scores: "exact" | "approx";
}

/** Columns and rows of the tables below. */
const RECALLS = [0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.99, 0.995, 0.999];
const KS = [1, 3, 5, 10, 20, 50, 100];

/**
 * eps by recall target and k, for the 51-byte code. Made by `npm run bench -- calibrate`: the smallest eps at which mean
 * recall on the even queries of each set, with the bundled and with a codebook of the data's own, reaches the target, or
 * comes within 0.0005 of what the cap allows (exact scores: 0.999 for k of 10, above 0.95 for k of 20 and more). -1 is the
 * least that was tried: little more than the first batch. Approximate scores have no first batch, and below 0 no margin.
 * Between its entries a table is read linearly in eps, in logarithms of k and of 1 - recall; outside it the edge counts.
 */
const EPS: Record<SearchPlan["scores"], readonly (readonly number[])[]> = {
  exact: [
    [-1, -1, -1, -1, -1, -0.7, 0.55, 0.7, 2.4],
    [-1, -1, -1, -0.6, 0.4, 0.7, 1.25, 1.55, 1.95],
    [-1, -1, -1, -0.8, 0.35, 0.75, 1.4, 1.6, 2.1],
    [-1, -1, -1, -0.05, 0.65, 1, 1.5, 1.7, 2.05],
    [-1, -1, -1, 0.2, 0.9, 1.25, 1.6, 1.6, 1.6],
    [-1, -1, -0.6, 0.25, 0.95, 1.15, 1.55, 1.55, 1.55],
    [-1, -1, -0.55, 0.3, 0.9, 1.2, 1.6, 1.6, 1.6],
  ],
  // From k = 5 on the table of exact scores, but not below what recall@10 was seen to need without a first batch.
  approx: [
    [0, 0, 0.1, 0.3, 0.55, 0.7, 1, 1.15, 1.3],
    [0, 0, 0.15, 0.4, 0.65, 0.8, 1.35, 1.55, 2.4],
    [0, 0, 0.2, 0.4, 0.8, 1, 1.6, 1.8, 2.4],
    [0, 0, 0.2, 0.4, 0.8, 1, 1.6, 1.8, 2.4],
    [0, 0, 0.2, 0.4, 0.9, 1.25, 1.6, 1.8, 2.4],
    [0, 0, 0.2, 0.4, 0.95, 1.25, 1.6, 1.8, 2.4],
    [0, 0, 0.2, 0.4, 0.95, 1.25, 1.6, 1.8, 2.4],
  ],
};

/**
 * Turns a recall target into a plan.
 *
 * @param k Hits wanted.
 * @param recall Mean share of the true top k to find, 0.5 to 0.999.
 * @param maxRecomputes Overrides the cap. Below `k` the answer is filled up with estimates; 0: estimates alone.
 * @param scores Whether every hit needs its exact score.
 */
export function planSearch(
  k: number,
  recall: number,
  maxRecomputes?: number,
  scores: SearchPlan["scores"] = "exact",
): SearchPlan {
  const batch = largestBatch(k, k < 5 ? 4 : 8, scores === "exact" ? maxRecomputes : undefined);
  const usual = recall <= 0.97 ? Math.max(64, 4 * k) : Math.max(160, 8 * k);
  const cap = maxRecomputes ?? usual;
  return { eps: epsFor(k, recall, scores), batch, cap, pool: Math.max(400, 8 * cap, 2 * k), scores };
}

/**
 * The first round takes k rounded up to whole batches: under a tight limit batches shrink until it fits, so that some
 * recomputes are left for what the bound finds. Below k there is one round, whatever the batch.
 */
function largestBatch(k: number, usual: number, limit: number | undefined): number {
  let batch = usual;
  if (limit === undefined || limit < k) return batch;
  while (batch > 1 && Math.ceil(k / batch) * batch > limit) batch--;
  return batch;
}

/** eps of the table of `scores` at (k, recall). */
export function epsFor(k: number, recall: number, scores: SearchPlan["scores"] = "exact"): number {
  const eps = EPS[scores];
  const column = place(
    RECALLS.map((r) => -Math.log(1 - r)),
    -Math.log(1 - recall),
  );
  const row = place(KS.map(Math.log), Math.log(k));
  const at = (i: number) => mix(eps[i]![column.low]!, eps[i]![column.high]!, column.share);
  return mix(at(row.low), at(row.high), row.share);
}

/** Where `x` lies in a rising `axis`: the entries on both sides and the share of the way between them. */
function place(axis: readonly number[], x: number): { low: number; high: number; share: number } {
  const last = axis.length - 1;
  if (x <= axis[0]!) return { low: 0, high: 0, share: 0 };
  if (x >= axis[last]!) return { low: last, high: last, share: 0 };
  const high = axis.findIndex((value) => value >= x);
  const low = high - 1;
  return { low, high, share: (x - axis[low]!) / (axis[high]! - axis[low]!) };
}

function mix(a: number, b: number, share: number): number {
  return a + (b - a) * share;
}
