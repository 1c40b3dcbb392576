// After tsc: writes the adapters and the core a second time, as CommonJS.
//
// A program that calls require("llamaindex") gets another copy of it than one that imports it, with settings and classes of
// its own; its adapter must work on that same copy. The core knows of no framework: require() of Node takes it as it is, so
// that a program has one copy only. Its second form, one file, is for tools that cannot require an ES module, such as Jest.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import ts from "typescript";

const source = dirname(fileURLToPath(import.meta.url));
const target = join(source, "..", "dist", "integrations");
const compilerOptions = {
  module: ts.ModuleKind.CommonJS,
  target: ts.ScriptTarget.ES2022,
  esModuleInterop: true,
};

for (const name of readdirSync(source, { recursive: true, encoding: "utf8" })) {
  if (!name.endsWith(".ts")) continue;
  const { outputText } = ts.transpileModule(readFileSync(join(source, name), "utf8"), { compilerOptions });
  const stem = join(target, name.replace(/\.ts$/, ""));
  mkdirSync(dirname(stem), { recursive: true });
  writeFileSync(`${stem}.cjs`, requires(outputText));
  writeFileSync(`${stem}.d.cts`, typesOf(readFileSync(`${stem}.d.ts`, "utf8")));
}

buildSync({
  entryPoints: [join(source, "..", "dist", "src", "index.js")],
  outfile: join(source, "..", "dist", "src", "index.cjs"),
  bundle: true,
  format: "cjs",
  platform: "node",
  target: "node20.19",
  // Native, or loaded in other processes only. What remains is small and has no CommonJS form of its own.
  external: ["@photostructure/sqlite", "@huggingface/*", "onnxruntime-node"],
  banner: { js: '"use strict";\nconst moduleUrl = require("node:url").pathToFileURL(__filename).href;' },
  define: { "import.meta.url": "moduleUrl" },
  legalComments: "eof",
});

writeFileSync(
  join(source, "..", "dist", "src", "index.d.cts"),
  coreTypes(join(source, "..", "dist", "src", "index.d.ts")),
);

/** Types of the core for require(): one name each for those of its only declarations, so that both forms agree. */
function coreTypes(file) {
  const program = ts.createProgram([file], {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
  });
  const checker = program.getTypeChecker();
  const from = `import("./index.js", { with: { "resolution-mode": "import" } })`;
  const lines = checker
    .getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file)))
    .flatMap((exported) => {
      const { name } = exported;
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      const parameters = symbol.declarations?.find((one) => one.typeParameters)?.typeParameters ?? [];
      if (parameters.length > 0)
        throw new Error(`The type ${name} has parameters, which its form for require() would lack.`);
      return [
        ...(symbol.flags & ts.SymbolFlags.Value ? [`export declare const ${name}: typeof ${from}.${name};`] : []),
        ...(symbol.flags & ts.SymbolFlags.Type ? [`export type ${name} = ${from}.${name};`] : []),
      ];
    });
  return `${lines.join("\n")}\n`;
}

/** Files of this folder name each other's second form, and the core by the package's name: its exports say which form. */
function requires(text) {
  return text
    .replace(/(?<=require\(")(?:\.\.\/)+src\/index\.js(?="\))/g, "embedless")
    .replace(/(?<=require\("\.\.?\/[^"]+\.)js(?="\))/g, "cjs");
}

/** Types for require(): files of this folder name each other's second form, and the core's types are those of its only one. */
function typesOf(declarations) {
  return declarations
    .replace(/(?<= from "\.\.?\/(?!.*src\/)[^"]+\.)js(?=";)/g, "cjs")
    .replace(
      /^import (?:type )?\{(.*)\} from ("(?:\.\.\/)+src\/index\.js");$/gm,
      (_, names, from) =>
        `import type {${names.replaceAll(/\btype /g, "")}} from ${from} with { "resolution-mode": "import" };`,
    )
    .replace(/^\/\/# sourceMappingURL.*$/m, "");
}
