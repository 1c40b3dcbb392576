import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const FILES = { commander: "Readme.md", "fast-check": "README.md", "node-addon-api": "README.md" };

/** Questions, and the package whose manual answers. */
export const QUESTIONS = [
  ["How do I give a command line program subcommands?", "commander"],
  ["How are failing property tests reduced to the smallest counterexample?", "fast-check"],
  ["Which header do I include to write a C++ addon?", "node-addon-api"],
] as const;

/** Real texts for the examples: the manuals of three packages that come with this one's development. */
export function readManuals(): { name: string; text: string }[] {
  const root = dirname(createRequire(import.meta.url).resolve("embedless/package.json"));
  return Object.entries(FILES).map(([name, file]) => {
    return { name, text: readFileSync(join(root, "node_modules", name, file), "utf8") };
  });
}
