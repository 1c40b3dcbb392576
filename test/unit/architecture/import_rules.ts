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

/** TypeScript layers, top first. A file may import from its own layer's folder and from any below. First match counts. */
const TS_LAYERS: readonly (readonly [pattern: RegExp, layer: string, rank: number])[] = [
  [/^examples\//, "examples", 10],
  [/^src\/cli\//, "cli", 9],
  [/^integrations\/langchain\//, "integrations/langchain", 9],
  [/^integrations\/llamaindex\//, "integrations/llamaindex", 9],
  [/^integrations\/[^/]+\.ts$/, "integrations", 8.5],
  [/^src\/index\.ts$/, "index", 8],
  [/^src\/vector_store\.ts$/, "vector_store", 7],
  [/^src\/store_parts\.ts$/, "store_parts", 6.5],
  [/^src\/ingest\//, "ingest", 6],
  [/^src\/verify\.ts$/, "verify", 6],
  [/^src\/compact\.ts$/, "compact", 6.6],
  [/^src\/listing\.ts$/, "listing", 6],
  [/^src\/(repair|salvage)\.ts$/, "repair", 6.2],
  [/^src\/stats\.ts$/, "stats", 6],
  [/^src\/plan_store\.ts$/, "plan_store", 6],
  [/^src\/search\//, "search", 5],
  [/^src\/embed\//, "embed", 4],
  [/^src\/passage\//, "passage", 4],
  [/^src\/storage\//, "storage", 3],
  [/^src\/native\.ts$/, "native", 2],
  [
    /^src\/(abort|options|optional_package|trait_options|checks|errors|package_root|types|code_types|graph_types|stats_types|turns)\.ts$/,
    "leaves",
    1,
  ],
];

/** C++ layers, as above. */
const CPP_LAYERS: typeof TS_LAYERS = [
  [/^addon\/binding\//, "binding", 5],
  [/^addon\/index\//, "index", 4],
  [/^addon\/graph\//, "graph", 3],
  [/^addon\/code\//, "code", 2],
  [/^addon\/kernel\//, "kernel", 1],
];

/** Packages and headers that only one place may know. */
const OWNED: readonly (readonly [imported: RegExp, owner: RegExp])[] = [
  [/^(@photostructure\/sqlite|node:sqlite)/, /^src\/storage\/connection\.ts$/],
  [/\.node$/, /^src\/native\.ts$/],
  [/^@langchain\//, /^(integrations\/langchain|examples)\//],
  [/^(@llamaindex\/|llamaindex)/, /^(integrations\/llamaindex|examples)\//],
  [/^(onnxruntime-|@huggingface\/)/, /^src\/embed\//],
  [/^commander$/, /^src\/cli\//],
  [/^chardet$/, /^src\/cli\/encoding\.ts$/],
  [/^ignore$/, /^src\/cli\/gitignore\.ts$/],
  [/^markdown-it$/, /^src\/passage\/markdown\.ts$/],
  [/^(napi|node_api|js_native_api|uv|v8|node)\.h$/, /^addon\/binding\//],
];

/** Packages that a store works without: loaded when they are first needed, never by importing a file. */
const OPTIONAL = /^(chardet|ignore|markdown-it|onnxruntime-node|@huggingface\/transformers)$/;

/** The one import that goes up: the options of a store name the type of its embedder. */
const ALLOWED_TYPE_IMPORT = "src/types.ts -> src/embed/embedder.ts";

/** Whether the file is one that the rules speak of. */
export function isGoverned(path: string): boolean {
  return /^(src|integrations|examples)\/.*\.ts$/.test(path) || /^addon\/.*\.(h|cc|cpp|inc)$/.test(path);
}

/** Every breach of the import direction among `files`, one sentence each; none if all is well. */
export function importProblems(files: readonly SourceText[]): string[] {
  const governed = files.filter((file) => isGoverned(file.path));
  const homeless = governed.filter((file) => !layerOf(file.path)).map((file) => `${file.path} belongs to no layer`);
  const edges = governed.flatMap((file) => (file.path.endsWith(".ts") ? tsEdges(file) : cppEdges(file)));
  return [...homeless, ...edges.flatMap(edgeProblems), ...cycles(edges)];
}

function edgeProblems(edge: Edge): string[] {
  const arrow = `${edge.from} -> ${edge.to}`;
  const owner = OWNED.find(([imported]) => imported.test(edge.to))?.[1];
  if (owner && !owner.test(edge.from)) return [`${arrow}: not here, only in ${owner.source}`];
  if (OPTIONAL.test(edge.to) && !edge.typeOnly && !edge.whenNeeded) return [`${arrow}: only by import(), when needed`];
  if (!edge.to.includes("/") || !isGoverned(edge.to)) return outsideProblems(edge, arrow);
  if (edge.typeOnly && arrow === ALLOWED_TYPE_IMPORT) return [];
  const from = layerOf(edge.from);
  const to = layerOf(edge.to);
  if (!from || !to || from.layer === to.layer) return [];
  if (from.layer.startsWith("integrations") && edge.to !== "src/index.ts" && to.layer !== "integrations") {
    return [`${arrow}: an integration imports nothing but src/index.ts and what all integrations share`];
  }
  if (to.rank === from.rank) return [`${arrow}: sideways`];
  return to.rank > from.rank ? [`${arrow}: upward`] : [];
}

/** The product must not reach into tests, builds or other folders by a relative path. */
function outsideProblems(edge: Edge, arrow: string): string[] {
  const outside = /^(\.\.\/|test\/|dist\/|build|addon\/)/.test(edge.to) && !OWNED.some(([name]) => name.test(edge.to));
  return outside ? [`${arrow}: outside the product's sources`] : [];
}

function layerOf(path: string): { layer: string; rank: number } | undefined {
  const found = [...TS_LAYERS, ...CPP_LAYERS].find(([pattern]) => pattern.test(path));
  return found && { layer: found[1], rank: found[2] };
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
  if (name.includes("/") && layerOf(fromRoot)) return fromRoot;
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
