// Compiles the addon for systems other than this one:   npm run prebuild [-- linux-arm64-musl ...]
// Without names: this system's, and from Linux all four of Linux. Each comes to lie in prebuilds/<name>, from where it is
// packed. What is not for this system takes zig, which brings a C++ compiler with every libc: docs/building.md.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ownFolder, ship } from "./prebuilds.mjs";

/** What zig and cmake call the systems. glibc's version is that of Node's own binaries. */
const TARGETS = {
  "linux-x64": { triple: "x86_64-linux-gnu.2.28", processor: "x86_64" },
  "linux-x64-musl": { triple: "x86_64-linux-musl", processor: "x86_64" },
  "linux-arm64": { triple: "aarch64-linux-gnu.2.28", processor: "aarch64" },
  "linux-arm64-musl": { triple: "aarch64-linux-musl", processor: "aarch64" },
};
const zigMissing = `zig was not found. Install it and run again:
  python3 -m pip install ziglang==0.15.2     or put zig 0.15 into PATH     or name it: ZIG=/path/to/zig`;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const own = ownFolder();
const named = process.argv.slice(2);
const wanted =
  named.length > 0 ? named : [...new Set([own, ...(process.platform === "linux" ? Object.keys(TARGETS) : [])])];

for (const name of wanted) {
  if (name === own) must(process.execPath, [join(root, "addon", "build.mjs")], { stdio: "inherit" });
  else if (TARGETS[name]) crossCompile(name, TARGETS[name]);
  else fail(`${name} is compiled on such a machine: npm run prebuild there makes it.`);
}

function crossCompile(name, { triple, processor }) {
  const started = performance.now();
  const folder = join(root, "build-prebuilt", name);
  console.error(`${name}: compiling`);
  const tools = wrapZig(folder, triple);
  const generator = found("ninja", "--version") ? ["-G", "Ninja"] : [];
  const target = [
    "-DCMAKE_BUILD_TYPE=Release",
    "-DCMAKE_SYSTEM_NAME=Linux",
    `-DCMAKE_SYSTEM_PROCESSOR=${processor}`,
    `-DCMAKE_CXX_COMPILER=${tools["c++"]}`,
    `-DCMAKE_AR=${tools.ar}`,
    `-DCMAKE_RANLIB=${tools.ranlib}`,
  ];
  must("cmake", ["-S", join(root, "addon"), "-B", folder, ...generator, ...target]);
  must("cmake", ["--build", folder, "--target", "embedless", "-j", String(availableParallelism())]);
  ship(join(folder, "embedless.node"), name);
  console.error(`${name}: ready after ${((performance.now() - started) / 1000).toFixed(0)} s`);
}

/** cmake wants each tool as a program of its own; in zig they are words of one. */
function wrapZig(folder, triple) {
  const zig = zigCommand()
    .map((word) => `'${word}'`)
    .join(" ");
  mkdirSync(join(folder, "zig"), { recursive: true });
  const words = { "c++": `c++ -target ${triple}`, ar: "ar", ranlib: "ranlib" };
  return Object.fromEntries(
    Object.entries(words).map(([tool, line]) => {
      const path = join(folder, "zig", tool);
      const text = `#!/bin/sh\nexec ${zig} ${line} "$@"\n`;
      // Written anew it would look newer than all that it has compiled.
      if (!existsSync(path)) writeFileSync(path, text, { mode: 0o755 });
      return [tool, path];
    }),
  );
}

function zigCommand() {
  if (process.env.ZIG) return [process.env.ZIG];
  if (found("zig", "version")) return ["zig"];
  if (found("python3", "-m", "ziglang", "version")) return ["python3", "-m", "ziglang"];
  return fail(zigMissing);
}

function found(command, ...args) {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

function must(command, args, options = { stdio: "pipe" }) {
  const done = spawnSync(command, args, { cwd: root, encoding: "utf8", maxBuffer: 1 << 28, ...options });
  if (done.status !== 0) fail(`${done.stdout ?? ""}${done.stderr ?? ""}${done.error?.message ?? ""}`);
}

function fail(text) {
  console.error(text);
  process.exit(1);
}
