/** Why a build has nothing to read. */

import { EmbedlessError } from "../errors.js";
import { counted } from "./figures.js";
import type { Found } from "./files.js";

/** A refusal that says what there is in place of readable files. */
export function nothingFound({ leftOut, passedOver }: Found, paths: string): EmbedlessError {
  const { excluded, otherEnding, hidden } = passedOver;
  const counts: [number, string][] = [
    [excluded, "excluded"],
    [otherEnding, `not asked for by ${otherEnding === 1 ? "its" : "their"} ending (--include names others)`],
    [hidden, "hidden"],
  ];
  const others = counts.filter(([files]) => files > 0).map(([files, why]) => `${counted(files, "file")} ${why}`);
  const reasons = [...leftOut.sentences().map((sentence) => `left out, ${sentence}`), ...others];
  const why = reasons.length === 0 ? "" : `: ${reasons.join("; ")}`;
  return new EmbedlessError("NOT_FOUND", `There is no Markdown, text or source file to read in ${paths}${why}.`);
}
