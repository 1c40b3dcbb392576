/** Packages that npm installs unless it is told not to, loaded when they are first needed. */

import { EmbedlessError } from "./errors.js";

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
