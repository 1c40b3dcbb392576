/** `embedless compile`: builds the native addon if no prebuilt one fits. */

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { EmbedlessError } from "../base/errors.js";
import { packagePath } from "../base/packages.js";
import { terminalOf } from "./terminal.js";

/**
 * Compiles the addon into `build/Release` of the package folder, where the package finds it. It uses cmake-js, which is
 * not installed with the package.
 *
 * @throws EmbedlessError `NATIVE_LOAD` if cmake-js, cmake, a compiler or the headers are missing or the compilation
 *   fails.
 */
export async function compile(): Promise<void> {
  const terminal = terminalOf(process.stdout);
  const folder = packagePath();
  const cmakeJs = findCmakeJs();
  const target = join(folder, "build");
  const args = ["compile", "-d", join(folder, "addon"), "-O", target, "-p", String(availableParallelism())];
  const output = join(target, "Release", "embedless.node");
  terminal.line(`Compiling the native addon for ${process.platform}-${process.arch}; this takes a minute or two.`);
  terminal.line(`  cmake-js ${args.join(" ")}`);
  const code = await run(process.execPath, [cmakeJs, ...args], folder);
  if (code !== 0) {
    throw new EmbedlessError(
      "NATIVE_LOAD",
      `The addon was not built (cmake-js ended with ${code}). It needs cmake 3.22 or newer and a C++20 compiler (gcc 11, clang 14, MSVC 2022).`,
    );
  }
  if (!existsSync(output)) throw new EmbedlessError("NATIVE_LOAD", `The compiler did not write ${output}.`);
  terminal.line(`Built ${output}`);
}

/** The packages that compiling needs, with the tested versions. npm puts them beside this package. */
const TOOLS = ["cmake-js", "node-addon-api"] as const;

function findCmakeJs(): string {
  const require = createRequire(import.meta.url);
  try {
    const [cmakeJs] = TOOLS.map((name) => dirname(require.resolve(`${name}/package.json`)));
    return join(cmakeJs!, "bin", "cmake-js");
  } catch (cause) {
    const { devDependencies } = require("embedless/package.json") as { devDependencies: Record<string, string> };
    const wanted = TOOLS.map((name) => `${name}@${devDependencies[name]}`).join(" ");
    throw new EmbedlessError(
      "NATIVE_LOAD",
      `Compiling the addon needs two more packages: npm install --ignore-scripts ${wanted}`,
      { cause },
    );
  }
}

function run(command: string, args: string[], cwd: string): Promise<number> {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { cwd, stdio: ["ignore", "inherit", "inherit"] });
    child.on("error", fail);
    child.on("exit", (code) => done(code ?? 1));
  });
}
