import { round } from "../report.js";

/** What a search said of its recall, and what it was. */
export interface Said {
  readonly raw: number;
  readonly recall: number;
}

/** Pull towards "raw is right", in queries: it decides only where there are hardly any. */
const PULL = 2;

/**
 * A map from raw to reached recall that never falls, linear between the given raw figures: the one nearest to all that was
 * said, by squares. Its mean over what was said is the mean recall, wherever it is bent.
 */
export function fitMap(said: readonly Said[], raws: readonly number[]): number[] {
  const size = raws.length;
  const matrix = raws.map((_, i) => raws.map((__, j) => (i === j ? PULL : 0)));
  const right = raws.map((raw) => PULL * raw);
  const weights = raws.map(() => PULL);
  for (const { raw, recall } of said) {
    const x = Math.min(raws[size - 1]!, Math.max(raws[0]!, raw));
    const high = Math.max(
      1,
      raws.findIndex((one) => one >= x),
    );
    const share = (x - raws[high - 1]!) / (raws[high]! - raws[high - 1]!);
    const parts = [
      { i: high - 1, weight: 1 - share },
      { i: high, weight: share },
    ];
    for (const a of parts) {
      weights[a.i]! += a.weight;
      right[a.i]! += a.weight * recall;
      for (const b of parts) matrix[a.i]![b.i]! += a.weight * b.weight;
    }
  }
  return monotone(solve(matrix, right), weights).map((recall) => round(Math.min(1, Math.max(0, recall)), 3));
}

/** Solves a positive definite system by elimination, in place. */
function solve(matrix: number[][], right: number[]): number[] {
  const size = right.length;
  for (let i = 0; i < size; i++) {
    for (let row = i + 1; row < size; row++) {
      const factor = matrix[row]![i]! / matrix[i]![i]!;
      for (let column = i; column < size; column++) matrix[row]![column]! -= factor * matrix[i]![column]!;
      right[row]! -= factor * right[i]!;
    }
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let j = i + 1; j < size; j++) right[i]! -= matrix[i]![j]! * right[j]!;
    right[i]! /= matrix[i]![i]!;
  }
  return right;
}

/** The never falling list nearest to `values` by weighted squares (pool adjacent violators). */
function monotone(values: readonly number[], weights: readonly number[]): number[] {
  const blocks: { value: number; weight: number; count: number }[] = [];
  values.forEach((value, i) => {
    let block = { value, weight: weights[i]!, count: 1 };
    while (blocks.length > 0 && blocks.at(-1)!.value > block.value) {
      const before = blocks.pop()!;
      const weight = before.weight + block.weight;
      block = {
        value: (before.value * before.weight + block.value * block.weight) / weight,
        weight,
        count: before.count + block.count,
      };
    }
    blocks.push(block);
  });
  return blocks.flatMap(({ value, count }) => Array.from({ length: count }, () => value));
}
