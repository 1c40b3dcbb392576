// Builds the native tests with sanitizers and runs them:
//   npm run test:native [-- address | thread | fuzz [--seconds N] [--seed S]]
// address: all tests under ASan and UBSan; thread: *Concurrency* under TSan; fuzz: every decoder of blocks that a file may
// bring, on mutants for N seconds each (60 unless said), two at a time. Needs cmake, a C++20 compiler and GoogleTest.

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { fuzzDecoders } from "./fuzz/run.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** @typedef {{ name: string, folder: string, sanitize: string, target: string, filter: string, env: Record<string, string> }} Variant */

// Undefined behaviour by the compiler's usual list, and conversions of floats that no integer takes.
const undefinedToo = "address,undefined,float-cast-overflow";

/** @type {Record<string, Variant>} */
const variants = {
  address: {
    name: "address and undefined behaviour sanitizers, all tests",
    folder: "build-native-asan",
    sanitize: undefinedToo,
    target: "embedless_tests",
    filter: "*",
    env: { UBSAN_OPTIONS: "print_stacktrace=1" },
  },
  thread: {
    name: "thread sanitizer, concurrency tests",
    folder: "build-native-tsan",
    sanitize: "thread",
    target: "embedless_threaded_tests",
    filter: "*Concurrency*",
    env: { TSAN_OPTIONS: "halt_on_error=1:second_deadlock_stack=1" },
  },
  fuzz: {
    name: "fuzz programs",
    folder: "build-native-asan",
    sanitize: undefinedToo,
    target: "embedless_fuzz",
    filter: "",
    env: {},
  },
};

const googletestMissing = `GoogleTest was not found. Install it and run again:
  Debian, Ubuntu:  sudo apt-get install libgtest-dev
  Fedora:          sudo dnf install gtest-devel
  macOS:           brew install googletest`;

/** Runs a command; its output is shown as it comes (quiet: only if it fails). @returns {{ ok: boolean, output: string }} */
function run(command, args, { quiet = false, env = {} } = {}) {
  const done = spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    encoding: "utf8",
    stdio: quiet ? "pipe" : "inherit",
    maxBuffer: 1 << 28,
  });
  const output = `${done.stdout ?? ""}${done.stderr ?? ""}`;
  if (done.error) return { ok: false, output: `${command} could not be started: ${done.error.message}` };
  return { ok: done.status === 0, output };
}

/** @param {Variant} variant @returns {string} "" when it built */
function build(variant) {
  const folder = join(root, variant.folder);
  const configured = existsSync(join(folder, "CMakeCache.txt"));
  const generator = !configured && run("ninja", ["--version"], { quiet: true }).ok ? ["-G", "Ninja"] : [];
  const options = ["-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DEMBEDLESS_TESTS=ON", "-DEMBEDLESS_MODULE=OFF"];
  const configure = run(
    "cmake",
    ["-S", "addon", "-B", variant.folder, ...generator, ...options, `-DSANITIZE=${variant.sanitize}`],
    { quiet: true },
  );
  if (!configure.ok) return /GTest/.test(configure.output) ? googletestMissing : configure.output;
  const jobs = String(availableParallelism());
  const compile = run("cmake", ["--build", variant.folder, "--target", variant.target, "-j", jobs], { quiet: true });
  return compile.ok ? "" : compile.output;
}

/**
 * What the address sanitizer looks for. Of uses of a returned function's variables it asks GCC to lay those out in memory of
 * its own, which GCC before 14 aligns to 32 bytes; the 64 that AVX-512 needs then fail with a segmentation fault (GCC bug
 * 110027). There, and only there, that one search is left out; `EMBEDLESS_ASAN_RETURN=1` or `0` overrules.
 *
 * @param {string} folder of the build
 */
function addressOptions(folder) {
  const wanted = process.env.EMBEDLESS_ASAN_RETURN ?? (misalignsReturns(folder) ? "0" : "1");
  if (wanted === "0")
    console.log("   (uses after return are not looked for: this compiler misaligns AVX-512 variables)");
  return `detect_stack_use_after_return=${wanted}:strict_string_checks=1`;
}

function misalignsReturns(folder) {
  if (process.arch !== "x64" || !hasAvx512()) return false;
  const made = join(root, folder, "CMakeFiles");
  const versions = readdirSync(made).filter((name) => /^\d/.test(name));
  const compiler = versions.map((name) => readFileSync(join(made, name, "CMakeCXXCompiler.cmake"), "utf8")).join("");
  const version = /CMAKE_CXX_COMPILER_VERSION "(\d+)/.exec(compiler)?.[1];
  return /CMAKE_CXX_COMPILER_ID "GNU"/.test(compiler) && Number(version) < 14;
}

/** Whether the processor has AVX-512; where nobody tells, it may have. */
function hasAvx512() {
  try {
    return /\bavx512f\b/.test(readFileSync("/proc/cpuinfo", "utf8"));
  } catch {
    return true;
  }
}

/** @param {Variant} variant */
async function test(variant) {
  const env = {
    ...variant.env,
    ...(variant.sanitize !== "thread" && { ASAN_OPTIONS: addressOptions(variant.folder) }),
  };
  if (variant === variants.fuzz) {
    return await fuzzDecoders(join(root, variant.folder, "tests", "fuzz"), { ...options, env });
  }
  const executable = join(root, variant.folder, "tests", variant.target);
  const filter = `--gtest_filter=${variant.filter}`;
  const listed = run(executable, [filter, "--gtest_list_tests"], { quiet: true, env });
  if (!/^ {2}\S/m.test(listed.output)) {
    console.error(`no test matches ${variant.filter}\n${listed.ok ? "" : listed.output}`);
    return false;
  }
  return run(executable, [filter, "--gtest_brief=1"], { env }).ok;
}

const { positionals: wanted, values: options } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: "string", default: "60" }, seed: { type: "string", default: "1" } },
});
const unknown = wanted.find((name) => !(name in variants));
if (unknown !== undefined) {
  console.error(`unknown variant "${unknown}": expected ${Object.keys(variants).join(" or ")}`);
  process.exit(1);
}

/** @type {string[]} */
const failed = [];
for (const name of wanted.length > 0 ? wanted : Object.keys(variants)) {
  const variant = variants[name];
  console.log(`== ${variant.name}: building in ${variant.folder}`);
  const trouble = build(variant);
  if (trouble) {
    console.error(trouble);
    if (trouble === googletestMissing) process.exit(1);
  }
  if (trouble || !(await test(variant))) failed.push(variant.name);
}
console.log(failed.length === 0 ? "== native tests passed" : `== FAILED: ${failed.join("; ")}`);
process.exit(failed.length === 0 ? 0 : 1);
