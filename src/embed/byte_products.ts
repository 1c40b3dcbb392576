import { outOfRange } from "../errors.js";
import { native } from "../native.js";

/** The environment variable that overrules the choice: `1` exact, `0` as the processor does it. */
const OVERRULING = "EMBEDLESS_EXACT_BYTES";

/**
 * Whether ONNX Runtime has to be asked for exact products of bytes (`session.x64quantprecision`).
 *
 * Processors of x86-64 without VNNI sum two products of bytes in 16 bits and saturate: an int8 model then gives a text a
 * vector at cosine 0.99 of what it gives elsewhere, and stores could not travel between machines. Asking for exact products
 * costs them time. Processors with VNNI sum in 32 bits and are exact by themselves: there the same request would cost 1.75
 * times the time for the same bits. On other architectures it has no effect.
 *
 * @throws RangeError (`INVALID_ARGUMENT`) if `EMBEDLESS_EXACT_BYTES` is neither 0 nor 1
 */
export function needsExactBytes(): boolean {
  const overruled = process.env[OVERRULING] ?? "";
  if (overruled === "") return process.arch === "x64" && !hasByteProducts();
  if (overruled !== "0" && overruled !== "1") throw outOfRange(OVERRULING, "0 or 1", overruled);
  return overruled === "1";
}

/** Without the addon nobody tells: then exactness is asked for, which is never wrong. */
function hasByteProducts(): boolean {
  try {
    return native().hasByteProducts();
  } catch {
    return false;
  }
}
