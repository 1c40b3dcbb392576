/**
 * Which bytes of an SQLite file hold something (https://sqlite.org/fileformat2.html): an own reading of the format, so
 * that SQLite is not asked about itself.
 */

/** What a byte belongs to. */
export const Use = { nothing: 0, structure: 1, content: 2 } as const;

/** Bytes of the file header that SQLite writes and never relies on. */
const IGNORED_IN_HEADER: readonly (readonly [from: number, to: number])[] = [
  [24, 28], // change counter: only matters beside another connection
  [40, 44], // schema cookie: likewise
  [48, 52], // suggested cache size
  [64, 68], // whether vacuum is incremental
  [72, 100], // reserved, and the version of SQLite that wrote last
];

interface Page {
  /** Offset in the file. */
  start: number;
  /** Of the b-tree header within the page: 100 on the first page. */
  header: number;
  size: number;
}

/** `Use` of every byte of the file. Content is what cells hold: lengths, keys and values. */
export function usesOf(file: Uint8Array): Uint8Array {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const size = view.getUint16(16) === 1 ? 65_536 : view.getUint16(16);
  const uses = new Uint8Array(file.length).fill(Use.structure);
  const pages = file.length / size;
  const reading: Reading = { view, size, uses, usable: size - file[20]! };
  for (const [from, to] of IGNORED_IN_HEADER) uses.fill(Use.nothing, from, to);
  const overflow = new Set<number>();
  const free = readFreeList(reading);
  const maps = pointerMaps(pages, reading.usable, view.getUint32(52) > 0);
  for (let n = 1; n <= pages; n++) {
    if (free.has(n) || maps.has(n)) continue;
    const page: Page = { start: (n - 1) * size, header: n === 1 ? 100 : 0, size };
    if ([2, 5, 10, 13].includes(file[page.start + page.header]!)) readBtreePage(reading, page, overflow);
  }
  return uses;
}

interface Reading {
  view: DataView;
  size: number;
  uses: Uint8Array;
  usable: number;
}

function readFreeList({ view, size, uses }: Reading): Set<number> {
  const free = new Set<number>();
  for (let trunk = view.getUint32(32); trunk !== 0; ) {
    const start = (trunk - 1) * size;
    const count = view.getUint32(start + 4);
    free.add(trunk);
    for (let i = 0; i < count; i++) {
      const leaf = view.getUint32(start + 8 + 4 * i);
      free.add(leaf);
      uses.fill(Use.nothing, (leaf - 1) * size, leaf * size);
    }
    uses.fill(Use.nothing, start + 8 + 4 * count, start + size);
    trunk = view.getUint32(start);
  }
  return free;
}

/** Pages that say of others what they belong to; there are some in files that can give space back. */
function pointerMaps(pages: number, usable: number, has: boolean): Set<number> {
  const maps = new Set<number>();
  const entries = Math.floor(usable / 5);
  for (let n = 2; has && n <= pages; n += entries + 1) maps.add(n);
  return maps;
}

function readBtreePage(reading: Reading, page: Page, overflow: Set<number>): void {
  const { view, uses, size } = reading;
  const at = page.start + page.header;
  const type = view.getUint8(at);
  const interior = type === 2 || type === 5;
  const cells = view.getUint16(at + 3);
  const pointers = at + (interior ? 12 : 8);
  const content = view.getUint16(at + 5) || 65_536;
  uses.fill(Use.nothing, pointers + 2 * cells, page.start + content);
  uses.fill(Use.nothing, page.start + content, page.start + size);
  // Offset and length of free blocks; what lies in them is nothing.
  for (let block = view.getUint16(at + 1); block !== 0; block = view.getUint16(page.start + block)) {
    uses.fill(Use.structure, page.start + block, page.start + block + 4);
  }
  for (let i = 0; i < cells; i++)
    readCell(reading, page, page.start + view.getUint16(pointers + 2 * i), type, overflow);
}

function readCell(reading: Reading, page: Page, cell: number, type: number, overflow: Set<number>): void {
  const { view, uses, usable } = reading;
  let at = cell;
  const varint = () => {
    let value = 0n;
    for (let i = 0; i < 9; i++) {
      const byte = view.getUint8(at++);
      if (i === 8) return Number((value << 8n) | BigInt(byte));
      value = (value << 7n) | BigInt(byte & 0x7f);
      if (byte < 0x80) break;
    }
    return Number(value);
  };
  if (type === 2 || type === 5) at += 4;
  if (type === 5) varint();
  uses.fill(Use.structure, cell, at);
  if (type === 5) return;
  const begin = at;
  const payload = varint();
  if (type === 13) varint();
  const local = localBytes(payload, usable, type === 13);
  uses.fill(Use.content, begin, at + local);
  // The type of a value that is the key anyway: SQLite passes over it.
  if (type === 13 && view.getUint8(at + 1) === 0) uses[at + 1] = Use.structure;
  if (local === payload) return;
  uses.fill(Use.structure, at + local, at + local + 4);
  readOverflow(reading, page, view.getUint32(at + local), payload - local, overflow);
}

function readOverflow({ view, uses, size, usable }: Reading, _: Page, first: number, bytes: number, seen: Set<number>) {
  let left = bytes;
  for (let n = first; n !== 0 && left > 0 && !seen.has(n); ) {
    seen.add(n);
    const start = (n - 1) * size;
    const here = Math.min(left, usable - 4);
    uses.fill(Use.structure, start, start + 4);
    uses.fill(Use.content, start + 4, start + 4 + here);
    uses.fill(Use.nothing, start + 4 + here, start + size);
    left -= here;
    n = view.getUint32(start);
  }
}

/** How much of a payload lies in its cell; the rest lies in overflow pages. */
function localBytes(payload: number, usable: number, tableLeaf: boolean): number {
  const most = tableLeaf ? usable - 35 : Math.floor(((usable - 12) * 64) / 255) - 23;
  if (payload <= most) return payload;
  const least = Math.floor(((usable - 12) * 32) / 255) - 23;
  const kept = least + ((payload - least) % (usable - 4));
  return kept <= most ? kept : least;
}
