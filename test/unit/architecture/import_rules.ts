import { posix } from "node:path";
import ts from "typescript";

/** A file as the rules see it: path from the repository root with `/`, and its text. */
export interface SourceText {
  path: string;
  text: string;
}

/** One import or `#include` of a file. */
interface Edge {
  from: string;
  /** A path from the repository root, or a package name. */
  to: string;
  /** The import brings types only. */
  typeOnly: boolean;
  /** The file can be imported without it. */
  whenNeeded?: boolean;
}

/**
 * The rooms, lowest first: folders, and files of `search/`, which has an order of its own. A file may import from its own
 * room and from lower ones. Rooms of one level do not know each other.
 */
const TS_ROOMS: readonly (readonly string[])[] = [
  ["src/base"],
  ["src/api"],
  ["src/native"],
  ["src/storage"],
  ["src/text", "src/chunk"],
  ["src/passage"],
  ["src/embed", "src/filter"],
  ["src/codes"],
  ["src/memory"],
  ["src/search/recompute.ts", "src/search/walk.ts"],
  ["src/search/session.ts"],
  ["src/search/score_check.ts"],
  ["src/search/by_vector.ts", "src/search/by_keywords.ts"],
  ["src/search/modes.ts", "src/ingest"],
  ["src/upkeep"],
  ["src/store"],
  ["src/index.ts"],
  ["src/folder", "integrations"],
  ["src/cli", "integrations/langchain", "integrations/llamaindex"],
  ["examples"],
];

/** Rooms that do not know each other, whatever their levels. */
const STRANGERS: readonly (readonly [from: RegExp, to: RegExp])[] = [
  [/^src\/search\//, /^src\/ingest\//],
  [/^src\/ingest\//, /^src\/search\//],
];

/** C++ rooms, as above. */
const CPP_ROOMS: typeof TS_ROOMS = [
  ["addon/base"],
  ["addon/kernel"],
  ["addon/code"],
  ["addon/graph"],
  ["addon/index"],
  ["addon/binding"],
];

/** Packages and headers that only one place may know. */
const OWNED: readonly (readonly [imported: RegExp, owner: RegExp])[] = [
  [/^(@photostructure\/sqlite|node:sqlite)/, /^src\/storage\/connection\.ts$/],
  [/\.node$/, /^src\/native\//],
  [/^@langchain\//, /^(integrations\/langchain|examples)\//],
  [/^(@llamaindex\/|llamaindex)/, /^(integrations\/llamaindex|examples)\//],
  [/^(onnxruntime-|@huggingface\/)/, /^src\/embed\//],
  [/^commander$/, /^src\/cli\//],
  [/^chardet$/, /^src\/folder\/encoding\.ts$/],
  [/^ignore$/, /^src\/folder\/gitignore\.ts$/],
  [/^markdown-it$/, /^src\/chunk\/markdown\.ts$/],
  [/^(napi|node_api|js_native_api|uv|v8|node)\.h$/, /^addon\/binding\//],
];

/** Packages that a store works without: loaded when they are first needed, never by importing a file. */
const OPTIONAL = /^(chardet|ignore|markdown-it|onnxruntime-node|@huggingface\/transformers)$/;

/** Whether the file is one that the rules speak of. */
export function isGoverned(path: string): boolean {
  return /^(src|integrations|examples)\/.*\.ts$/.test(path) || /^addon\/.*\.(h|cc|cpp|inc)$/.test(path);
}

/** Every breach of the import direction among `files`, one sentence each; none if all is well. */
export function importProblems(files: readonly SourceText[]): string[] {
  const governed = files.filter((file) => isGoverned(file.path));
  const homeless = governed.filter((file) => !roomOf(file.path)).map((file) => `${file.path} belongs to no room`);
  const edges = governed.flatMap((file) => (file.path.endsWith(".ts") ? tsEdges(file) : cppEdges(file)));
  return [...homeless, ...edges.flatMap(edgeProblems), ...cycles(edges)];
}

function edgeProblems(edge: Edge): string[] {
  const arrow = `${edge.from} -> ${edge.to}`;
  const owner = OWNED.find(([imported]) => imported.test(edge.to))?.[1];
  if (owner && !owner.test(edge.from)) return [`${arrow}: not here, only in ${owner.source}`];
  if (OPTIONAL.test(edge.to) && !edge.typeOnly && !edge.whenNeeded) return [`${arrow}: only by import(), when needed`];
  if (!edge.to.includes("/") || !isGoverned(edge.to)) return outsideProblems(edge, arrow);
  if (STRANGERS.some(([from, to]) => from.test(edge.from) && to.test(edge.to))) return [`${arrow}: sideways`];
  const from = roomOf(edge.from);
  const to = roomOf(edge.to);
  if (!from || !to || from.name === to.name) return [];
  if (from.name.startsWith("integrations") && edge.to !== "src/index.ts" && to.name !== "integrations") {
    return [`${arrow}: an integration imports nothing but src/index.ts and what all integrations share`];
  }
  if (to.level === from.level) return [`${arrow}: sideways`];
  return to.level > from.level ? [`${arrow}: upward`] : [];
}

/** The product must not reach into tests, builds or other folders by a relative path. */
function outsideProblems(edge: Edge, arrow: string): string[] {
  const outside = /^(\.\.\/|test\/|dist\/|build|addon\/)/.test(edge.to) && !OWNED.some(([name]) => name.test(edge.to));
  return outside ? [`${arrow}: outside the product's sources`] : [];
}

/** The innermost room that a file lies in, and its level. */
function roomOf(path: string): { name: string; level: number } | undefined {
  const rooms = [TS_ROOMS, CPP_ROOMS].flatMap((levels) =>
    levels.flatMap((names, level) => names.map((name) => ({ name, level }))),
  );
  const around = rooms.filter(({ name }) => path === name || path.startsWith(`${name}/`));
  return around.sort((one, other) => other.name.length - one.name.length)[0];
}

function tsEdges({ path, text }: SourceText): Edge[] {
  const edges: Edge[] = [];
  const add = (node: ts.Node | undefined, typeOnly: boolean, whenNeeded = false) => {
    if (!node || !ts.isStringLiteralLike(node)) return;
    edges.push({ from: path, to: resolveTs(path, node.text), typeOnly, whenNeeded });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, importsTypesOnly(node.importClause));
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isImportTypeNode(node))
      add(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, true);
    else if (ts.isCallExpression(node) && isLoad(node.expression)) add(node.arguments[0], false, true);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true));
  return edges;
}

function importsTypesOnly(clause: ts.ImportClause | undefined): boolean {
  if (!clause) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const named = clause.namedBindings;
  return !clause.name && !!named && ts.isNamedImports(named) && named.elements.every((element) => element.isTypeOnly);
}

/** `import(...)`, `require(...)`, `something.require(...)`, `require.resolve(...)` and `process.dlopen` by whatever name. */
function isLoad(callee: ts.Expression): boolean {
  if (callee.kind === ts.SyntaxKind.ImportKeyword) return true;
  return /(^|\.)require(\.resolve)?$/.test(callee.getText());
}

function resolveTs(from: string, specifier: string): string {
  if (!specifier.startsWith(".")) return specifier;
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, ".ts");
}

function cppEdges({ path, text }: SourceText): Edge[] {
  const includes = text.matchAll(/^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]/gm);
  return Array.from(includes, ([, quote, name]) => ({
    from: path,
    to: resolveCpp(path, quote!, name!),
    typeOnly: false,
  }));
}

/** `"code/metric.h"` counts from addon/, `"metric.h"` and `"../x.h"` from the file's folder; `<...>` is a system header. */
function resolveCpp(from: string, quote: string, name: string): string {
  if (/^(napi|node_api|js_native_api|uv|v8|node)\.h$/.test(name)) return name;
  const fromRoot = posix.join("addon", name);
  if (name.includes("/") && roomOf(fromRoot)) return fromRoot;
  return quote === "<" ? name : posix.join(posix.dirname(from), name);
}

/** Each circle of imports once, named from its alphabetically first file. */
function cycles(edges: readonly Edge[]): string[] {
  const next = new Map<string, string[]>();
  for (const { from, to } of edges) next.set(from, [...(next.get(from) ?? []), to]);
  const found = new Set<string>();
  const finished = new Set<string>();
  const walk = (file: string, path: string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) {
      found.add(describeCycle(path.slice(start)));
      return;
    }
    if (finished.has(file)) return;
    for (const target of next.get(file) ?? []) walk(target, [...path, file]);
    finished.add(file);
  };
  for (const file of [...next.keys()].sort()) walk(file, []);
  return [...found];
}

function describeCycle(circle: string[]): string {
  const first = circle.indexOf([...circle].sort()[0]!);
  const turned = [...circle.slice(first), ...circle.slice(0, first)];
  return `${[...turned, turned[0]].join(" -> ")}: circular`;
}
