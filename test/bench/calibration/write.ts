import { readFileSync, writeFileSync } from "node:fs";
import { packagePath } from "../../../src/package_root.js";
import type { CodeCalibration } from "../../../src/search/calibration/code_calibration.js";
import { CALIBRATION } from "../../../src/search/calibration.js";
import { CODE_NAMES } from "../coded_data.js";

const WIDTH = 118;
const INDENT = 4;

/** All codes as they are written next. */
const current = new Map<string, CodeCalibration>(CALIBRATION.codes.map((one) => [one.code, one]));

/** Puts what was measured with a code in the place of the old: in the file of its kind, whose head stays as it is. */
export function writeCode(changed: CodeCalibration): void {
  current.set(changed.code, changed);
  const { kind } = changed;
  const file = packagePath("src", "search", "calibration", `${kind}.ts`);
  const start = `export const ${kind.toUpperCase()}: readonly CodeCalibration[] = [\n`;
  const before = readFileSync(file, "utf8");
  const head = before.slice(0, before.indexOf(start));
  const same = CODE_NAMES.flatMap((code) => current.get(code) ?? []).filter((one) => one.kind === kind);
  writeFileSync(file, `${head}${start}${same.map(codeText).join("\n")}\n];\n`);
}

function codeText(one: CodeCalibration): string {
  return `  {
    code: ${JSON.stringify(one.code)}, kind: ${JSON.stringify(one.kind)}, rowBytes: ${one.rowBytes},${one.leastShare ? ` leastShare: ${one.leastShare},` : ""}
${wrapped(`cap: ${rows(one.cap)},`)}
${wrapped(`exact: { stop: ${rows(one.exact.stop)}, looks: ${rows(one.exact.looks)} },`)}
${wrapped(`approx: { stop: ${rows(one.approx.stop)}, looks: ${rows(one.approx.looks)} },`)}
    reached: {
${wrapped(`estimates: ${rows(one.reached.estimates)},`)}
${wrapped(`exact: ${rows(one.reached.exact)},`)}
${wrapped(`approx: ${rows(one.reached.approx)},`)}
    },
  },`;
}

const numbers = (list: readonly number[]) => `[${list.join(", ")}]`;
const rows = (table: readonly (readonly number[])[]) => `[${table.map(numbers).join(", ")}]`;

/** Breaks a line between words; each part is indented. */
function wrapped(text: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + word.length + INDENT + 3 > WIDTH) {
      lines.push(line);
      line = "";
    }
    line += line === "" ? word : ` ${word}`;
  }
  lines.push(line);
  return lines.map((one, i) => `${" ".repeat(INDENT)}${i === 0 ? "" : "  "}${one}`).join("\n");
}
