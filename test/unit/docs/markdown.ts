import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the package. */
export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** A document: its place in the repository and its text. */
export interface Document {
  readonly path: string;
  readonly text: string;
}

/** All Markdown that users and contributors read. */
export function allDocuments(): Document[] {
  const atRoot = readdirSync(ROOT).filter((name) => name.endsWith(".md"));
  const pages = readdirSync(join(ROOT, "docs")).filter((name) => name.endsWith(".md"));
  const paths = [...atRoot, ...pages.map((name) => `docs/${name}`)];
  return paths.map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") }));
}

/** The text without blocks of code. */
export function proseOf(text: string): string {
  return text.replace(/^```.*?^```$/gms, "");
}

/** The lines of all blocks of shell commands, without their comments. */
export function commandsOf(text: string): string[] {
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, lines]) => lines!.split("\n"));
  return blocks.map((line) => line.replace(/\s+#.*/, "").trim()).filter((line) => line !== "");
}

/** Links to other places of the repository that lead nowhere, as "FILE: LINK". */
export function brokenLinks({ path, text }: Document, read: (path: string) => string | undefined): string[] {
  const links = [...proseOf(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
  const local = links.filter((target) => !/^[a-z]+:/.test(target));
  return local.filter((target) => !leadsSomewhere(path, target, read)).map((target) => `${path}: ${target}`);
}

function leadsSomewhere(from: string, target: string, read: (path: string) => string | undefined): boolean {
  const [file = "", anchor] = target.split("#");
  const found = read(file === "" ? from : posix.normalize(posix.join(dirname(from), file)));
  if (found === undefined) return false;
  return anchor === undefined || anchorsOf(found).includes(anchor);
}

/** The anchors that GitHub gives the headings of a document. */
export function anchorsOf(text: string): string[] {
  const headings = [...proseOf(text).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) => heading!);
  const seen = new Map<string, number>();
  return headings.map((heading) => {
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const anchor = plain.replace(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(" ", "-");
    const before = seen.get(anchor) ?? 0;
    seen.set(anchor, before + 1);
    return before === 0 ? anchor : `${anchor}-${before}`;
  });
}

/** Paths in code style that do not exist, as "FILE: PATH". */
export function missingPaths({ path, text }: Document, exists: (path: string) => boolean): string[] {
  const paths = [...proseOf(text).matchAll(/`((?:src|addon|integrations|test|examples|docs|\.ci)\/[\w./-]*)`/g)];
  return paths.filter(([, named]) => !exists(named!)).map(([, named]) => `${path}: ${named}`);
}

/** The text of a file, or nothing for a folder; `undefined` if there is neither. */
export function readPath(path: string): string | undefined {
  if (!existsSync(join(ROOT, path))) return undefined;
  return path.endsWith(".md") ? readFileSync(join(ROOT, path), "utf8") : "";
}
