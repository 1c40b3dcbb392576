// Compiles hnswlib-node a second time, for the processor at hand: as shipped it knows no instructions newer than SSE,
// and a comparison with it alone would be too easy. npm runs this after an install, where node-gyp is at hand.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const packages = join(dirname(fileURLToPath(import.meta.url)), "node_modules");
const target = join(packages, ".native", "hnswlib-node");
rmSync(target, { recursive: true, force: true });
mkdirSync(dirname(target), { recursive: true });
cpSync(join(packages, "hnswlib-node"), target, { recursive: true });
const { status } = spawnSync("node-gyp", ["rebuild"], {
  cwd: target,
  stdio: "inherit",
  shell: process.platform === "win32",
  env: { ...process.env, CXXFLAGS: `${process.env.CXXFLAGS ?? ""} -march=native`.trim() },
});
if (status !== 0) {
  rmSync(target, { recursive: true, force: true });
  console.error("hnswlib-node could not be compiled with -march=native; the benchmark leaves that line out.");
}
