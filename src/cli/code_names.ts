import type { Filter } from "../api/passage.js";
import { isError, show } from "../base/errors.js";
import type { NativeCodes } from "../native/surface.js";
import { UsageError } from "./failures.js";

/** The code that a name stands for. Throws `UsageError`. */
export function codeOfName(name: string): NativeCodes {
  if (name === "lvq4" || name === "lvq8" || name === "lvq4x8") return name;
  const bytes = /^\d+$/.test(name) ? Number(name) : 0;
  if (bytes >= 1 && bytes <= 255) return { bytes };
  const parts = /^leanvec(\d+)-(lvq4|lvq8)-(pca|ood)$/.exec(name);
  if (parts === null || Number(parts[1]) < 1) {
    throw new UsageError(
      `Expected codes such as 48 (bytes, 1 to 255), lvq4, lvq8, lvq4x8 or leanvec160-lvq8-pca, but received ${show(name)}.`,
    );
  }
  const [, dims, primary, training] = parts;
  return { leanvec: { dims: Number(dims), primary: primary as "lvq4" | "lvq8", training: training as "pca" | "ood" } };
}

export function nameOfCode(code: NativeCodes): string {
  if (typeof code === "string") return code;
  if ("bytes" in code) return String(code.bytes);
  const { dims, primary, training } = code.leanvec;
  return `leanvec${dims}-${primary}-${training}`;
}

/** Parses the option `--filter`. The store checks whether the JSON is a filter. */
export function readFilter(json: string): Filter {
  try {
    return JSON.parse(json) as Filter;
  } catch (error) {
    const why = isError(error) ? error.message : String(error);
    throw new UsageError(
      `Expected JSON for --filter, such as '{"year": {"$gte": 2020}}' in single quotes, but received ${show(json)} (${why}).`,
    );
  }
}
