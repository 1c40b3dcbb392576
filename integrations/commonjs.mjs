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
  const file = join(target, name.replace(/\.ts$/, ".cjs"));
  mkdirSync(dirname(file), { recursive: true });
  // Files of this folder require each other's second form.
  writeFileSync(file, outputText.replace(/require\("(\.\.?\/(?!.*src\/)[^"]+)\.js"\)/g, 'require("$1.cjs")'));
}
