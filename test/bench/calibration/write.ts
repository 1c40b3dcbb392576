import { writeFileSync } from "node:fs";
import { packagePath } from "../../../src/embed/package_root.js";
import { CALIBRATION, type CodeCalibration } from "../../../src/search/calibration.js";

const WIDTH = 118;

/** Puts freshly fitted codes in the place of those in `src/search/calibration.ts`, in the given order of names. */
export function writeCalibration(fitted: readonly CodeCalibration[], order: readonly string[]): void {
  const all = new Map([...CALIBRATION.codes, ...fitted].map((one) => [one.code, one]));
  const listed = order.flatMap((code) => all.get(code) ?? []);
  const text = `${HEAD}// biome-ignore format: several numbers a line
export const CALIBRATION: Calibration = {
  recalls: ${numbers(CALIBRATION.recalls)},
  ks: ${numbers(CALIBRATION.ks)},
  raws: ${numbers(CALIBRATION.raws)},
  codes: [
${listed.map(codeText).join("\n")}
  ],
};
`;
  writeFileSync(packagePath("src", "search", "calibration.ts"), text);
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

const HEAD = `/**
 * How searches are steered to a recall, code by code. Made by \`npm run bench -- calibrate\` (\`--codes 48,lvq8\` for some of
 * them only) on 50,000 real passages of 384 dims, on the even queries of a hard and an easy set. Data only: change the
 * command, not the numbers. \`calibrated.ts\` reads it.
 */
export interface Calibration {
  /** Targets: columns of the tables. */
  readonly recalls: readonly number[];
  /** Rows of the tables and maps. */
  readonly ks: readonly number[];
  /** Raw figures at which the maps know the recall reached. */
  readonly raws: readonly number[];
  readonly codes: readonly CodeCalibration[];
}

/** What was measured with one code. Tables by k and target. */
export interface CodeCalibration {
  readonly code: string;
  readonly kind: "pq" | "lvq" | "leanvec";
  /** Bytes of a row under cosine, factors included. */
  readonly rowBytes: number;
  /** Most recomputes: the smallest power of two from 64 and 4k on with which the target can be reached. */
  readonly cap: readonly (readonly number[])[];
  /** Smallest margins, in sigmas, that reach the target, and the mean recomputes that they cost; all scores exact. */
  readonly exact: { readonly eps: readonly (readonly number[])[]; readonly looks: readonly (readonly number[])[] };
  /** The same where clear candidates are taken by their estimate. */
  readonly approx: { readonly eps: readonly (readonly number[])[]; readonly looks: readonly (readonly number[])[] };
  /** From raw to reached recall: of answers by estimates alone, and of those after exact looks. Rows by k. */
  readonly reached: { readonly estimates: readonly (readonly number[])[]; readonly looks: readonly (readonly number[])[] };
}

`;
