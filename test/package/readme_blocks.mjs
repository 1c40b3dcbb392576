import ts from "typescript";

/**
 * The first fenced block of JavaScript or TypeScript after `<!-- usage:NAME -->`, as plain JavaScript.
 *
 * @param {string} readme
 * @param {string} name
 * @returns {string}
 * @throws {Error} If the README has no such block: then nobody would test what it shows.
 */
export function usageBlock(readme, name) {
  const marker = `<!-- usage:${name} -->`;
  const start = readme.indexOf(marker);
  if (start < 0) throw new Error(`README.md has no ${marker}`);
  const block = /^```(?:js|javascript|ts|typescript)\n(.*?)^```$/ms.exec(readme.slice(start + marker.length));
  if (!block) throw new Error(`README.md has no js or ts block after ${marker}`);
  return plainJavaScript(block[1]);
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

function plainJavaScript(code) {
  const { ESNext, ES2022 } = { ...ts.ModuleKind, ...ts.ScriptTarget };
  const compilerOptions = { module: ESNext, target: ES2022, verbatimModuleSyntax: true };
  return ts.transpileModule(code, { compilerOptions }).outputText;
}
