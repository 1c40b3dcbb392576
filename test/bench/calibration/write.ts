import { readFileSync, writeFileSync } from "node:fs";
import { packagePath } from "../../../src/embed/package_root.js";
import { CALIBRATION, type CodeCalibration } from "../../../src/search/calibration.js";

const WIDTH = 118;
/** What is before it stays. */
const START = "export const CALIBRATION: Calibration =";

/** Puts freshly fitted codes in the place of those in `src/search/calibration.ts`, in the given order of names. */
export function writeCalibration(fitted: readonly CodeCalibration[], order: readonly string[]): void {
  const all = new Map([...CALIBRATION.codes, ...fitted].map((one) => [one.code, one]));
  const listed = order.flatMap((code) => all.get(code) ?? []);
  const file = packagePath("src", "search", "calibration.ts");
  const before = readFileSync(file, "utf8");
  const head = before.slice(0, before.indexOf(START));
  const text = `${head}${START} {
  recalls: ${numbers(CALIBRATION.recalls)},
  ks: ${numbers(CALIBRATION.ks)},
  raws: ${numbers(CALIBRATION.raws)},
  codes: [
${listed.map(codeText).join("\n")}
  ],
};
`;
  writeFileSync(file, text);
}

function codeText(one: CodeCalibration): string {
  return `    {
      code: ${JSON.stringify(one.code)}, kind: ${JSON.stringify(one.kind)}, rowBytes: ${one.rowBytes},
${wrapped(`cap: ${rows(one.cap)},`)}
${wrapped(`exact: { eps: ${rows(one.exact.eps)}, looks: ${rows(one.exact.looks)} },`)}
${wrapped(`approx: { eps: ${rows(one.approx.eps)}, looks: ${rows(one.approx.looks)} },`)}
${wrapped(`reached: { estimates: ${rows(one.reached.estimates)}, looks: ${rows(one.reached.looks)} },`)}
    },`;
}

const numbers = (list: readonly number[]) => `[${list.join(", ")}]`;
const rows = (table: readonly (readonly number[])[]) => `[${table.map(numbers).join(", ")}]`;

/** Breaks a line between words; each part is indented. */
function wrapped(text: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + word.length + 9 > WIDTH) {
      lines.push(line);
      line = "";
    }
    line += line === "" ? word : ` ${word}`;
  }
  lines.push(line);
  return lines.map((one, i) => `      ${i === 0 ? "" : "  "}${one}`).join("\n");
}
