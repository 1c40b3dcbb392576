import { writeFileSync } from "node:fs";
import { packagePath } from "../../../src/base/packages.js";
import { type CodeCalibration, calibration } from "../../../src/codes/calibration.js";
import { CODE_NAMES } from "../coded_data.js";

/** All codes as they are written next. */
const current = new Map<string, CodeCalibration>(calibration().codes.map((one) => [one.code, one]));
/** Codes are written kind by kind: of two with as many bytes the first one stands for others of that size. */
const KINDS: readonly CodeCalibration["kind"][] = ["pq", "leanvec", "lvq"];

/** Replaces the figures of one code in `src/codes/calibration.json`. */
export function writeCode(changed: CodeCalibration): void {
  current.set(changed.code, changed);
  const all = CODE_NAMES.flatMap((code) => current.get(code) ?? []);
  const codes = KINDS.flatMap((kind) => all.filter((one) => one.kind === kind));
  writeFileSync(packagePath("src", "codes", "calibration.json"), `${asJson({ ...calibration(), codes })}\n`);
}

/** JSON with one row of numbers per line, so that a change shows in which rows it is. */
function asJson(value: unknown, indent = ""): string {
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.every((entry) => typeof entry === "number")) return `[${value.join(", ")}]`;
    return `[\n${value.map((entry) => inner + asJson(entry, inner)).join(",\n")}\n${indent}]`;
  }
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(
    ([key, entry]) => `${inner}${JSON.stringify(key)}: ${asJson(entry, inner)}`,
  );
  return `{\n${entries.join(",\n")}\n${indent}}`;
}
