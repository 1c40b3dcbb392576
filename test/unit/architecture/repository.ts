import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { SourceText } from "./import_rules.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** Product sources of this repository: TypeScript and C++ below `folders`. */
export function productSources(folders = ["src", "integrations", "examples", "addon"]): SourceText[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .map((name) => join(folder, name).replaceAll("\\", "/"))
      .filter((path) => /\.(ts|h|cc|cpp|inc)$/.test(path) && !/\/build[^/]*\//.test(path))
      .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") })),
  );
}
