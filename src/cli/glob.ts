/** Patterns for paths: `*` within a folder, `**` across folders, `?`, `[a-z]`, `{a,b}`. */

import { outOfRange } from "../errors.js";

/** A test of relative paths with `/`. */
export type PathTest = (path: string) => boolean;

/** Stands for a letter that no pattern names. */
const ANY_LETTER = "\u{F0000}";

/**
 * A test of relative paths with `/`. A pattern without a slash is held against the last part of the path, so `*.md` is every
 * Markdown file; one with a slash against the whole path. A pattern that names a folder takes all below it.
 *
 * @throws RangeError (`INVALID_ARGUMENT`) for an empty pattern or an unclosed bracket.
 */
export function globTest(pattern: string): PathTest {
  const expression = expressionOf(partsOf(pattern), pattern, "(?:/.*)?");
  return (path) => expression.test(path);
}

/**
 * A test whether a pattern, or the beginning of it, names a path by the first letter of its last part: `build/*.md` names
 * `build`, `**\/.github` names `x/.github`; `*.md` and `**` name nothing.
 *
 * @throws as `globTest`
 */
export function namingTest(pattern: string): PathTest {
  const parts = partsOf(pattern);
  const beginnings = parts.map((_, i) => expressionOf(parts.slice(0, i + 1), pattern, "", parts.length > 1));
  return (path) => {
    const other = path.replace(/[^/]([^/]*)$/u, `${ANY_LETTER}$1`);
    return beginnings.some((expression) => expression.test(path) && !expression.test(other));
  };
}

/** The parts of a pattern between the slashes that stand in no brace or bracket. */
function partsOf(pattern: string): string[] {
  const clean = pattern.replace(/^\.\//, "").replace(/\/+$/, "");
  if (clean === "") throw outOfRange("a pattern", "a glob such as *.md or docs/**", pattern);
  const parts = [""];
  let depth = 0;
  for (const sign of clean) {
    if (sign === "{") depth++;
    else if (sign === "}") depth = Math.max(0, depth - 1);
    if (sign === "/" && depth === 0) parts.push("");
    else parts[parts.length - 1] += sign;
  }
  return parts;
}

function expressionOf(parts: readonly string[], whole: string, end: string, atRoot?: boolean): RegExp {
  const glob = parts.join("/");
  const anywhere = (atRoot ?? glob.includes("/")) ? "" : "(?:.*/)?";
  return new RegExp(`^${anywhere}${translate(glob, whole)}${end}$`, "su");
}

function translate(glob: string, whole: string): string {
  let out = "";
  let depth = 0;
  for (let i = 0; i < glob.length; i++) {
    const sign = glob[i]!;
    if (glob.startsWith("**/", i)) {
      out += "(?:.*/)?";
      i += 2;
    } else if (glob.startsWith("**", i)) {
      out += ".*";
      i += 1;
    } else if (sign === "*") out += "[^/]*";
    else if (sign === "?") out += "[^/]";
    else if (sign === "[") {
      const end = glob.indexOf("]", i + 2);
      if (end < 0) throw outOfRange("a pattern", "a glob whose brackets are closed", whole);
      out += characterClass(glob.slice(i + 1, end), whole);
      i = end;
    } else if (sign === "{") {
      out += "(?:";
      depth++;
    } else if (sign === "}" && depth > 0) {
      out += ")";
      depth--;
    } else if (sign === "," && depth > 0) out += "|";
    else out += sign.replace(/[.+^$()|\\{}\]/]/g, "\\$&");
  }
  if (depth > 0) throw outOfRange("a pattern", "a glob whose brackets are closed", whole);
  return out;
}

function characterClass(content: string, whole: string): string {
  const negated = /^[!^]/.test(content);
  const inner = (negated ? content.slice(1) : content).replace(/[\\[\]^/&|~]/g, "\\$&");
  const expression = `[${negated ? "^/" : ""}${inner}]`;
  try {
    new RegExp(expression, "u");
  } catch {
    throw outOfRange("a pattern", "a glob whose brackets hold characters or ranges", whole);
  }
  return expression;
}
