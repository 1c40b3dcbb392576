// After tsc: writes the adapters a second time, as CommonJS. A program that calls require("llamaindex") gets another copy
// of it than one that imports it, with settings and classes of its own; its adapter must work on that same copy. The core
// knows of no framework and needs no second form: require() takes it as it is.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
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
  writeFileSync(`${stem}.cjs`, outputText.replace(/(?<=require\("\.\.?\/(?!.*src\/)[^"]+\.)js(?="\))/g, "cjs"));
  writeFileSync(`${stem}.d.cts`, typesOf(readFileSync(`${stem}.d.ts`, "utf8")));
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
