/** Patterns for paths: `*` within a folder, `**` across folders, `?`, `[a-z]`, `{a,b}`. */

import { outOfRange } from "../errors.js";

/**
 * A test of relative paths with `/`. A pattern without a slash is held against the last part of the path, so `*.md` is every
 * Markdown file; one with a slash against the whole path. A pattern that names a folder takes all below it.
 *
 * @throws RangeError (`INVALID_ARGUMENT`) for an empty pattern or an unclosed bracket.
 */
export function globTest(pattern: string): (path: string) => boolean {
  const clean = pattern.replace(/^\.\//, "").replace(/\/+$/, "");
  if (clean === "") throw outOfRange("a pattern", "a glob such as *.md or docs/**", pattern);
  const anywhere = clean.includes("/") ? "" : "(?:.*/)?";
  const expression = new RegExp(`^${anywhere}${translate(clean, pattern)}(?:/.*)?$`, "su");
  return (path) => expression.test(path);
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
