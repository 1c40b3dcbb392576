// Reads float32 tensors from a safetensors file: 8 bytes header length, a JSON header, then the data.
import { readFileSync } from "node:fs";

/**
 * @param {string} file
 * @returns {(name: string) => { shape: number[], data: Float32Array }} gives a tensor by its name
 */
export function openSafetensors(file) {
  const bytes = readFileSync(file);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, start));
  return (name) => {
    const entry = header[name];
    if (!entry) throw new Error(`There is no tensor ${name} in ${file}.`);
    if (entry.dtype !== "F32") throw new Error(`Expected ${name} to be F32, but it is ${entry.dtype}.`);
    const [from, to] = entry.data_offsets;
    // Copied, because the data need not begin at a multiple of four bytes.
    const copy = new Uint8Array(bytes.subarray(start + from, start + to));
    return { shape: entry.shape, data: new Float32Array(copy.buffer) };
  };
}
