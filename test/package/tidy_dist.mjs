// After tsc: removes from dist/ what was compiled from sources that no longer exist (an incremental build leaves it, and
// it would be packed or run), and makes the command line executable.
import { chmodSync, existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const dist = join(root, "dist");
const output = /\.(c?js|d\.c?ts)$/;
/** Builds once wrote source maps, for which packages would need the sources too. */
const sourceMap = /\.map$/;

for (const name of readdirSync(dist, { recursive: true, encoding: "utf8" })) {
  const isLeft = output.test(name) && !existsSync(join(root, name.replace(output, ".ts")));
  if (isLeft || sourceMap.test(name)) rmSync(join(dist, name));
}

const commandLine = join(dist, "src", "cli", "main.js");
if (existsSync(commandLine)) chmodSync(commandLine, 0o755);
