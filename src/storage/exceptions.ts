/**
 * Lists of factor exceptions as the addon makes them: entries { u16 row, u8 factor, u8 0, f32 value }, little-endian,
 * ascending by row. Here only the row number is of interest.
 */
export const EXCEPTION_BYTES = 8;
const LAST_FACTOR = 2;

/** Throws `failure()` unless all entries are whole, ascending, of a row below `count` and of a known factor. */
export function checkExceptions(exceptions: Uint8Array, count: number, failure: () => Error): void {
  if (exceptions.length % EXCEPTION_BYTES !== 0) throw failure();
  const view = viewOf(exceptions);
  let before = 0;
  for (let at = 0; at < exceptions.length; at += EXCEPTION_BYTES) {
    const row = view.getUint16(at, true);
    if (row < before || row >= count || view.getUint8(at + 2) > LAST_FACTOR) throw failure();
    before = row;
  }
}

/** The entries of rows `[from, to)`, counted from `from`. */
export function sliceExceptions(exceptions: Uint8Array, from: number, to: number): Uint8Array {
  const part = exceptions.subarray(lowerBound(exceptions, from), lowerBound(exceptions, to));
  return shiftExceptions(part, -from);
}

/** A copy with `by` added to every row number. */
export function shiftExceptions(exceptions: Uint8Array, by: number): Uint8Array {
  // Not slice(): that of a Buffer copies nothing.
  const shifted = new Uint8Array(exceptions);
  const view = viewOf(shifted);
  for (let at = 0; at < shifted.length; at += EXCEPTION_BYTES) {
    view.setUint16(at, view.getUint16(at, true) + by, true);
  }
  return shifted;
}

/** Byte offset of the first entry whose row is not below `row`. */
function lowerBound(exceptions: Uint8Array, row: number): number {
  const view = viewOf(exceptions);
  let low = 0;
  let high = exceptions.length / EXCEPTION_BYTES;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (view.getUint16(middle * EXCEPTION_BYTES, true) < row) low = middle + 1;
    else high = middle;
  }
  return low * EXCEPTION_BYTES;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
