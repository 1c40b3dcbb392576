import { createRequire } from "node:module";
import path from "node:path";
import { EmbedlessError } from "./errors.js";

/**
 * A path below the folder of this package, where the addon, the model and the program of its processes lie. The package
 * finds itself by name, so this holds for sources and for `dist`.
 *
 * @throws EmbedlessError `NATIVE_LOAD` where the package's code was copied into a file of its user's, far from its folder
 */
export function packagePath(...parts: string[]): string {
  return path.join(path.dirname(manifestPath()), ...parts);
}

function manifestPath(): string {
  try {
    return createRequire(import.meta.url).resolve("embedless/package.json");
  } catch (cause) {
    throw new EmbedlessError(
      "NATIVE_LOAD",
      "The files of embedless are not where its code runs: a bundler has put the code into a file of its own. Name " +
        '"embedless", "embedless/langchain" and "embedless/llamaindex" as external in the bundler\'s settings, and ' +
        "install embedless beside the bundle.",
      { cause },
    );
  }
}
