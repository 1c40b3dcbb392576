import { createRequire } from "node:module";
import path from "node:path";
import { EmbedlessError } from "./errors.js";

/**
 * A path below the folder of this package, which holds the addon, the model and the program of its processes. The
 * package finds itself by name, so this works from the sources and from `dist`.
 *
 * @throws EmbedlessError `NATIVE_LOAD` if a bundler copied the package's code into another file, far from its folder
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

/**
 * Loads such a package.
 *
 * @param name Its name in the registry.
 * @param purpose What needs it, as the subject of a sentence: "Reading Markdown".
 * @param load Imports it by its literal name, so that compilers see the import.
 * @param options `flags` of the command that installs it, each followed by a blank.
 * @throws EmbedlessError `NOT_FOUND` with the command that installs it
 */
export async function optionalPackage<T>(
  name: string,
  purpose: string,
  load: () => Promise<T>,
  { flags = "" }: { readonly flags?: string } = {},
): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND";
    const what = missing ? "is not installed" : `cannot be loaded (${(cause as Error).message})`;
    const message = `${purpose} needs the package ${name}, which ${what}: npm install ${flags}${name}`;
    throw new EmbedlessError("NOT_FOUND", message, { cause });
  }
}
