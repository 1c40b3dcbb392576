/**
 * A set of nodes: bit `n % 8` of byte `n / 8`, lowest first, stands for node n. Nodes past the end are not in the set.
 */
export type Bitmap = Uint8Array;

/** Whether a node is in the set. */
export function hasBit(bits: Bitmap, node: number): boolean {
  // Shifting alone would take a node of more than 31 bits for another one.
  return node < bits.length * 8 && (((bits[node >>> 3] ?? 0) >> (node & 7)) & 1) === 1;
}

/** Adds a node, which must be before the end. */
export function setBit(bits: Bitmap, node: number): void {
  bits[node >>> 3]! |= 1 << (node & 7);
}

/** Removes a node. */
export function clearBit(bits: Bitmap, node: number): void {
  bits[node >>> 3]! &= ~(1 << (node & 7));
}

/** Number of nodes in the set. */
export function countBits(bits: Bitmap): number {
  let count = 0;
  for (const byte of bits) count += ONES[byte]!;
  return count;
}

/** Up to `limit` nodes of the set from node `from` on, in rising order. */
export function nodesFrom(bits: Bitmap, from: number, limit: number): number[] {
  const nodes: number[] = [];
  for (let node = from; node < bits.length * 8 && nodes.length < limit; ) {
    const left = bits[node >>> 3]! >> (node & 7);
    if (left === 0) {
      node += 8 - (node & 7);
      continue;
    }
    if (left & 1) nodes.push(node);
    node++;
  }
  return nodes;
}

/** The nodes below `count` that are not in the set, in rising order. */
export function nodesWithout(bits: Bitmap, count: number): number[] {
  const nodes: number[] = [];
  for (let node = 0; node < count; node++) {
    if ((bits[node >>> 3] ?? 0) === 0xff && (node & 7) === 0) node += 7;
    else if (!hasBit(bits, node)) nodes.push(node);
  }
  return nodes;
}

/** Number of set bits per byte value. */
const ONES = Uint8Array.from({ length: 256 }, (_, byte) => {
  let count = 0;
  for (let rest = byte; rest !== 0; rest &= rest - 1) count++;
  return count;
});

/**
 * Counts how many nodes of a set come before a node. Stored counts make this fast. The set must not change in the
 * meantime.
 */
export class Ranks {
  readonly bits: Bitmap;
  /** Nodes in the set. */
  readonly count: number;
  /** Nodes of the set before each group of bytes. */
  readonly #before: Uint32Array;

  constructor(bits: Bitmap) {
    this.bits = bits;
    this.#before = new Uint32Array(Math.ceil(bits.length / GROUP_BYTES));
    let count = 0;
    for (let group = 0; group < this.#before.length; group++) {
      this.#before[group] = count;
      count += countBits(bits.subarray(group * GROUP_BYTES, (group + 1) * GROUP_BYTES));
    }
    this.count = count;
  }

  has(node: number): boolean {
    return hasBit(this.bits, node);
  }

  /** Number of nodes of the set below this one, which must be before the end. */
  before(node: number): number {
    const byte = node >>> 3;
    const group = Math.floor(byte / GROUP_BYTES);
    const whole = countBits(this.bits.subarray(group * GROUP_BYTES, byte));
    return this.#before[group]! + whole + ONES[this.bits[byte]! & ((1 << (node & 7)) - 1)]!;
  }
}

const GROUP_BYTES = 64;
