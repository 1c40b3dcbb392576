/** What the names of files and folders say: how a file is read, and what nobody wrote to be read. */

import { basename, extname } from "node:path";
import type { TextKind } from "../passage/split.js";

const MARKDOWN = words("md markdown mdx mkd qmd");
const TEXT = words("txt text rst adoc asciidoc org tex");
const CODE = words(
  "ts tsx mts cts js jsx mjs cjs vue svelte py pyi rb go rs c h cc cpp cxx hpp hh cs java kt kts scala groovy swift m mm",
  "php pl pm lua r jl dart ex exs erl hs ml mli clj cljs elm zig nim v sh bash zsh fish ps1 sql css scss less proto",
  "graphql gql cmake gradle tf toml yaml yml ini",
);
const SKIPPED_FOLDERS = words("node_modules bower_components dist build out target coverage __pycache__ venv");

/** How a file of this name is read. */
export function kindOf(path: string): TextKind {
  const extension = extensionOf(path);
  if (MARKDOWN.has(extension)) return "markdown";
  return TEXT.has(extension) || extension === "" ? "text" : "code";
}

/** Whether a file or folder is hidden. */
export function isHiddenName(name: string): boolean {
  return name.startsWith(".");
}

/** Whether a file or folder is hidden, or has the name of a build output or of installed packages. */
export function isSkippedName(name: string): boolean {
  return isHiddenName(name) || SKIPPED_FOLDERS.has(name);
}

/** Whether a file of this name is Markdown, text or source code that somebody wrote. */
export function isKnownName(path: string): boolean {
  const extension = extensionOf(path);
  if (/\.min\.\w+$/.test(path)) return false;
  if (extension === "") return /^(readme|license|licence|changelog|makefile|dockerfile|notice)$/i.test(basename(path));
  return MARKDOWN.has(extension) || TEXT.has(extension) || CODE.has(extension);
}

function extensionOf(path: string): string {
  return extname(path).slice(1).toLowerCase();
}

function words(...lists: string[]): Set<string> {
  return new Set(lists.join(" ").split(" "));
}
