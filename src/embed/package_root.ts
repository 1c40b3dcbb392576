import { createRequire } from "node:module";
import path from "node:path";

/**
 * A path below the folder of this package. The model lies there once, beside the sources, and compiled code finds it
 * whether it runs from `dist` or from the sources.
 */
export function packagePath(...parts: string[]): string {
  const manifest = createRequire(import.meta.url).resolve("embedless/package.json");
  return path.join(path.dirname(manifest), ...parts);
}
