// The blocks of code in README.md and docs/*.md. `<!-- usage:NAME -->` stands before a program, which is run;
// `<!-- output:NAME -->` before what that program prints; `<!-- file:NAME -->` before a file that a test writes.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

const BLOCK = /(?:<!-- (usage|output|file):(\S+) -->\s*)?^```(\w*)\n(.*?)^```$/gms;
const PROGRAM = /^(js|javascript|ts|typescript)$/;

/**
 * The documents that users read, README.md first.
 *
 * @param {string} root The folder of the package.
 * @returns {{ path: string, text: string }[]}
 */
export function documents(root) {
  const pages = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"));
  const paths = ["README.md", ...pages.sort().map((name) => `docs/${name}`)];
  return paths.map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
}

/**
 * All programs of the documents as plain JavaScript.
 *
 * @param {{ path: string, text: string }[]} pages
 * @returns {{ name: string, path: string, code: string, output: string | undefined }[]}
 * @throws {Error} For a block of JavaScript or TypeScript without a marker: nobody would test what it shows.
 */
export function usageBlocks(pages) {
  const blocks = pages.flatMap(({ path, text }) => markedBlocks(path, text));
  const outputs = new Map(blocks.filter(({ kind }) => kind === "output").map(({ name, code }) => [name, code]));
  const programs = blocks.filter(({ kind }) => kind === "usage");
  const names = programs.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new Error(`usage:${twice} stands twice`);
  const lost = [...outputs.keys()].find((name) => !names.includes(name));
  if (lost !== undefined) throw new Error(`output:${lost} has no program`);
  return programs.map(({ name, path, code }) => ({
    name,
    path,
    code: plainJavaScript(code),
    output: outputs.get(name),
  }));
}

/**
 * The block after `<!-- file:NAME -->`.
 *
 * @param {{ path: string, text: string }[]} pages
 * @param {string} name
 * @returns {string}
 */
export function fileBlock(pages, name) {
  const found = pages.flatMap(({ path, text }) => markedBlocks(path, text)).find((block) => block.name === name);
  if (found?.kind !== "file") throw new Error(`no document has a block after <!-- file:${name} -->`);
  return found.code;
}

/** The same lines for a CommonJS file: `import` becomes `require()`, and `await` moves into an async function. */
export function asRequire(code) {
  const imports = /^import\s+(?:(\w+)|\*\s+as\s+(\w+)|(\{[^}]*\}))\s+from\s+("[^"]+"|'[^']+');?$/gm;
  const required = code.replace(imports, (_, name, all, names, from) =>
    name
      ? `const ${name} = (m => m.default ?? m)(require(${from}));`
      : `const ${all ?? names.replaceAll(" as ", ": ")} = require(${from});`,
  );
  return `(async () => {\n${required}\n})();\n`;
}

function markedBlocks(path, text) {
  const blocks = [...text.matchAll(BLOCK)];
  const markers = text.match(/<!-- (usage|output|file):/g) ?? [];
  const marked = blocks.filter(([, kind]) => kind !== undefined);
  if (markers.length !== marked.length) throw new Error(`${path} has a marker that no block follows`);
  const bare = blocks.find(([, kind, , language]) => PROGRAM.test(language) && kind === undefined);
  if (bare !== undefined) throw new Error(`${path} has a program without a marker:\n${bare[4]}`);
  return marked.map(([, kind, name, language, code]) => {
    if (kind === "usage" && !PROGRAM.test(language)) throw new Error(`${path}: usage:${name} is no program`);
    return { path, kind, name, code };
  });
}

function plainJavaScript(code) {
  const { ESNext, ES2022 } = { ...ts.ModuleKind, ...ts.ScriptTarget };
  const compilerOptions = { module: ESNext, target: ES2022, verbatimModuleSyntax: true };
  return ts.transpileModule(code, { compilerOptions }).outputText;
}
