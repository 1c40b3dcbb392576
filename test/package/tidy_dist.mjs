// After tsc: removes from dist/ what was compiled from sources that no longer exist (an incremental build leaves it, and
// it would be packed or run), and makes the command line executable.
import { chmodSync, existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const dist = join(root, "dist");
const output = /\.(c?js|d\.c?ts)(\.map)?$/;

for (const name of readdirSync(dist, { recursive: true, encoding: "utf8" })) {
  if (output.test(name) && !existsSync(join(root, name.replace(output, ".ts")))) rmSync(join(dist, name));
}

const commandLine = join(dist, "src", "cli", "main.js");
if (existsSync(commandLine)) chmodSync(commandLine, 0o755);
