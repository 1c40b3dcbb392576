// Compares the C++ sources with .clang-format; with --write it formats them:   node test/native/format.mjs [--write]
// clang-format comes from npm as WebAssembly, so every machine has the same version of it.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const formatter = dirname(createRequire(import.meta.url).resolve("@wasm-fmt/clang-format/package.json"));
const files = ["addon", "test/native"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true })
    .filter((name) => /\.(h|cc)$/.test(name))
    .map((name) => join(folder, name)),
);
const what = process.argv.includes("--write") ? ["-i"] : ["--dry-run", "--Werror"];
const { status } = spawnSync(process.execPath, [join(formatter, "clang-format-cli.cjs"), ...what, ...files], {
  cwd: root,
  stdio: "inherit",
});
if (status !== 0) console.error("C++ sources are not formatted. To format them: node test/native/format.mjs --write");
process.exit(status ?? 1);
