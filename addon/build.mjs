// Compiles the addon into build/Release and copies it to prebuilds/, from where it is packed and loaded.
// The compiler's output is shown only if it fails: cmake's chatter would look like trouble to who just wants to start.
// All that is said goes to stderr, so that programs which build first can print results for machines on stdout.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ownFolder, ship } from "./prebuilds.mjs";

const addon = dirname(fileURLToPath(import.meta.url));
const root = dirname(addon);
const built = join(root, "build", "Release", "embedless.node");

const started = performance.now();
console.error(existsSync(built) ? "addon: checking" : "addon: compiling C++, the first time takes about a minute");
const { status, output } = await compile();
if (status !== 0 || !existsSync(built)) {
  console.error(output);
  console.error("addon: not built. It takes cmake 3.22 or newer and a C++20 compiler (gcc 11, clang 14, MSVC 2022).");
  process.exit(1);
}
ship(built, ownFolder());
console.error(`addon: ready after ${((performance.now() - started) / 1000).toFixed(1)} s`);

/** @returns {Promise<{ status: number | null, output: string }>} */
function compile() {
  const cmakeJs = createRequire(import.meta.url).resolve("cmake-js/bin/cmake-js");
  const args = ["compile", "-d", addon, "-O", join(root, "build"), "-p", String(availableParallelism())];
  const child = spawn(process.execPath, [cmakeJs, ...args], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const keep = (chunk) => {
    output += chunk;
    showProgress(String(chunk));
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve({ status, output }));
  });
}

/** Make prints "[ 42%]" and ninja "[5/12]" before each step. Written over itself, so only to a terminal. */
function showProgress(text) {
  const step = [...text.matchAll(/^\[ *(?:(\d+)%|(\d+)\/(\d+))\]/gm)].at(-1);
  if (!step || !process.stderr.isTTY) return;
  const percent = step[1] ?? Math.floor((100 * step[2]) / step[3]);
  process.stderr.write(`\raddon: ${percent} % \r`);
}
