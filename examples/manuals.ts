import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** The three packages, each installed with embedless, and the names of their manuals. */
const FILES = { commander: "Readme.md", ignore: "README.md", stemmer: "readme.md" };

/** Questions, and the package whose manual answers. */
export const QUESTIONS = [
  ["How do I give a command line program subcommands?", "commander"],
  ["Which package filters file names by the rules of a .gitignore file?", "ignore"],
  ["What turns English words into a shorter version, a stem?", "stemmer"],
] as const;

/** Real texts for the examples: the manuals of three packages. */
export function readManuals(): { name: string; text: string }[] {
  const { resolve } = createRequire(import.meta.resolve("embedless/package.json"));
  return Object.entries(FILES).map(([name, file]) => {
    return { name, text: readFileSync(join(dirname(resolve(name)), file), "utf8") };
  });
}
