/** Why a build has nothing to read. */

import { EmbedlessError } from "../errors.js";
import type { Found } from "./files.js";
import { passedOverParts } from "./left_out.js";

/** A refusal that says what there is in place of readable files. */
export function nothingFound({ leftOut, passedOver }: Found, paths: string): EmbedlessError {
  const reasons = [...leftOut.sentences().map((sentence) => `left out, ${sentence}`), ...passedOverParts(passedOver)];
  const why = reasons.length === 0 ? "" : `: ${reasons.join("; ")}`;
  return new EmbedlessError("NOT_FOUND", `There is no Markdown, text or source file to read in ${paths}${why}.`);
}
