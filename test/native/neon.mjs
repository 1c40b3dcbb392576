// Cross-compiles the kernels and their tests for 64-bit Arm and runs them under qemu, so that the NEON file is tested
// on a machine without such a processor:   node test/native/neon.mjs
// On 64-bit Arm itself the ordinary native tests cover it.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const folder = "build-native-neon";
const libraries = "/usr/aarch64-linux-gnu";
const googletest = "/usr/src/googletest";
const packages = "g++-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user googletest";

/** @returns {{ status: number | null, output: string }} */
function run(command, args, stdio = "pipe") {
  const done = spawnSync(command, args, { cwd: root, encoding: "utf8", stdio, maxBuffer: 1 << 28 });
  return { status: done.status, output: `${done.stdout ?? ""}${done.stderr ?? ""}${done.error?.message ?? ""}` };
}

function fail(text) {
  console.error(text);
  process.exit(1);
}

for (const tool of ["aarch64-linux-gnu-g++", "qemu-aarch64"]) {
  if (run(tool, ["--version"]).status !== 0) fail(`${tool} was not found: apt-get install ${packages}`);
}
for (const path of [libraries, googletest]) {
  if (!existsSync(path)) fail(`${path} was not found: apt-get install ${packages}`);
}

const configure = run("cmake", [
  ...["-S", "addon", "-B", folder],
  ...["-DCMAKE_SYSTEM_NAME=Linux", "-DCMAKE_SYSTEM_PROCESSOR=aarch64", "-DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++"],
  ...["-DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc", "-DEMBEDLESS_TESTS=ON", "-DEMBEDLESS_MODULE=OFF"],
  `-DEMBEDLESS_GTEST_SOURCE=${googletest}`,
]);
if (configure.status !== 0) fail(configure.output);
const jobs = String(availableParallelism());
const build = run("cmake", ["--build", folder, "--target", "embedless_kernel_tests", "-j", jobs]);
if (build.status !== 0) fail(build.output);

const executable = join(folder, "tests", "embedless_kernel_tests");
const tested = run(
  "qemu-aarch64",
  ["-L", libraries, executable, "--gtest_filter=*neon*:*scalar*:Dispatch*"],
  "inherit",
);
if (tested.status !== 0) fail("== NEON tests FAILED");
console.log("== NEON tests passed");
