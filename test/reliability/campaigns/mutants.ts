import { seeded } from "../../support/seeded.js";

/** A change to the bytes of a file. Pages count from 0. */
export type Mutation =
  | { kind: "xor"; at: number; mask: number }
  | { kind: "cut"; length: number }
  | { kind: "swap"; a: number; b: number }
  | { kind: "splice"; to: number; from: number }
  | { kind: "append"; bytes: number; seed: number }
  | { kind: "zero"; page: number };

/** As a person would name it. */
export function nameMutation(mutation: Mutation): string {
  return JSON.stringify(mutation);
}

/**
 * The damaged bytes of a file; `original` stays as it is.
 *
 * @param other Another store of the same kind, whose pages are spliced in.
 */
export function mutate(original: Uint8Array, mutation: Mutation, pageBytes: number, other: Uint8Array): Uint8Array {
  const page = (of: Uint8Array, n: number) => of.subarray(n * pageBytes, (n + 1) * pageBytes);
  const bytes = Uint8Array.from(original);
  switch (mutation.kind) {
    case "xor":
      bytes[mutation.at]! ^= mutation.mask;
      return bytes;
    case "cut":
      return bytes.subarray(0, mutation.length);
    case "swap":
      bytes.set(page(original, mutation.b), mutation.a * pageBytes);
      bytes.set(page(original, mutation.a), mutation.b * pageBytes);
      return bytes;
    case "splice":
      bytes.set(page(other, mutation.from), mutation.to * pageBytes);
      return bytes;
    case "append": {
      const random = seeded(mutation.seed);
      return Buffer.concat([bytes, Uint8Array.from({ length: mutation.bytes }, () => random() * 256)]);
    }
    case "zero":
      return bytes.fill(0, mutation.page * pageBytes, (mutation.page + 1) * pageBytes);
  }
}

/** The kinds of damage that are tried, each for itself. */
export const DAMAGES = ["bytes", "bits", "truncation", "pages"] as const;
export type Damage = (typeof DAMAGES)[number];

/** What a store's file offers for damaging. */
export interface Victim {
  bytes: number;
  pageBytes: number;
  /** Bytes of another store of the same kind. */
  otherBytes: number;
  /** Offsets that hold something. */
  used: readonly number[];
}

/** Of bytes and bits this share is put where something is stored; the rest anywhere. */
const IN_USED = 0.8;

/** A random mutation of the given kind of damage. */
export function randomMutation(damage: Damage, victim: Victim, random: () => number): Mutation {
  const below = (n: number) => Math.floor(random() * n);
  const place = () => (random() < IN_USED ? victim.used[below(victim.used.length)]! : below(victim.bytes));
  const pages = victim.bytes / victim.pageBytes;
  switch (damage) {
    case "bytes":
      return { kind: "xor", at: place(), mask: 0xff };
    case "bits":
      return { kind: "xor", at: place(), mask: 1 << below(8) };
    case "truncation":
      return { kind: "cut", length: random() < 0.5 ? below(victim.bytes) : below(pages) * victim.pageBytes };
    case "pages":
      return randomPages(victim, pages, random);
  }
}

function randomPages(victim: Victim, pages: number, random: () => number): Mutation {
  const below = (n: number) => Math.floor(random() * n);
  const kind = below(8);
  if (kind < 3) {
    const a = below(pages);
    return { kind: "swap", a, b: (a + 1 + below(pages - 1)) % pages };
  }
  if (kind < 6) {
    const to = below(pages);
    // Mostly the page of the same number, which is of the same table.
    const others = victim.otherBytes / victim.pageBytes;
    return { kind: "splice", to, from: random() < 0.7 && to < others ? to : below(others) };
  }
  if (kind < 7) return { kind: "append", bytes: 1 + below(3 * victim.pageBytes), seed: below(2 ** 31) };
  return { kind: "zero", page: below(pages) };
}
