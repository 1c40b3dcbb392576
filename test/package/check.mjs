// Packs the package, installs it into empty folders as users would, and runs the documents' programs and questions of our
// own there: as ES modules and through require(), with only what each entry needs, and on every Node that is supported. Types
// are checked with three versions of TypeScript, the manifest by publint and attw, the binary by what it asks of glibc.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { contentProblems, listing, storedContents } from "./contents.mjs";
import { checkEnvironments } from "./environments.mjs";
import { checkExamples } from "./examples.mjs";
import { missing, oneCopy, ownEmbedder, questions, typedUses } from "./programs.mjs";
import { nodeOf, npm, pack, project, run, start, tested } from "./projects.mjs";
import { asRequire, documents, usageBlocks } from "./readme_blocks.mjs";

/** The oldest that is supported, and the newest of the lines after it. */
const NODES = ["20.19.0", "22", "24"];
const TYPESCRIPTS = ["5.4.5", "5.9.3", "6.0.3"];
/** That of Node's own binaries. */
const OLDEST_GLIBC = [2, 28];

const root = fileURLToPath(new URL("../../", import.meta.url));
const binary = `prebuilds/${process.platform}-${process.arch}/embedless.node`;
const work = mkdtempSync(join(tmpdir(), "embedless-package-"));
let passed = 0;
const failures = [];

try {
  const { tarball, files } = pack(work);
  check("the list of files", () => checkFiles(files));
  if (process.platform === "linux") check("what the binary asks of glibc", checkGlibc);
  check("publint", () => tool("publint", ["run", tarball, "--strict"]));
  check("attw", () => tool("attw", [tarball, "--profile", "node16", "--format", "table-flipped"]));
  const hosts = {
    langchain: project(work, "langchain", [tarball, tested("@langchain/core")]),
    llamaindex: project(work, "llamaindex", [tarball, tested("llamaindex")]),
  };
  for (const { name, path, code } of usageBlocks(documents(root))) {
    const host = /from "(embedless\/)?llamaindex"/.test(code) ? hosts.llamaindex : hosts.langchain;
    checkBoth(`usage:${name} of ${path}`, host, () => code);
  }
  checkQuestions(hosts);
  if (process.platform === "linux" && process.arch === "x64") {
    for (const version of NODES) checkQuestions(hosts, nodeOf(work, version));
  }
  check("npx embedless --help", () => checkHelp(hosts.langchain));
  checkBare(tarball);
  checkTypes(tarball);
  checkExamples(check, { work, tarball });
  checkEnvironments(check, { work, tarball });
} finally {
  rmSync(work, { recursive: true, force: true });
}
for (const failure of failures) console.error(failure);
console.log(`package: ${passed} passed, ${failures.length} failed`);
process.exit(failures.length > 0 ? 1 : 0);

function check(name, body) {
  try {
    body();
    passed++;
    console.log(`ok      ${name}`);
  } catch (error) {
    failures.push(`\n${name}: ${error.stderr || error.stdout || error.message}`);
    console.log(`FAILED  ${name}`);
  }
}

function expect(truth, message) {
  if (!truth) throw new Error(message);
}

function checkBoth(name, folder, linesOf, node) {
  check(`${name} as an ES module`, () => run(folder, "main.mjs", linesOf(), node));
  check(`${name} through require()`, () => run(folder, "main.cjs", asRequire(linesOf()), node));
}

function checkQuestions(hosts, node = process.execPath) {
  const version = execFileSync(node, ["--version"], { encoding: "utf8" }).trim();
  for (const [entry, lines] of Object.entries(questions)) {
    if (entry === "core") check(`one copy on Node ${version}`, () => run(hosts.langchain, "main.cjs", oneCopy, node));
    checkBoth(`a question to ${entry} on Node ${version}`, hosts[entry] ?? hosts.langchain, () => lines, node);
  }
}

function checkFiles(files) {
  const paths = files.map(({ path }) => path);
  const needed = [
    "README.md",
    "LICENSE",
    "package.json",
    "dist/src/index.js",
    "dist/src/index.d.ts",
    "dist/src/cli/main.js",
    "dist/integrations/langchain/index.js",
    "dist/integrations/llamaindex/index.js",
    "addon/CMakeLists.txt",
    "addon/build.mjs",
    binary,
  ];
  for (const path of needed) expect(paths.includes(path), `${path} is missing`);
  const model = paths.filter((path) => path.startsWith("src/embed/minilm/"));
  expect(
    model.some((path) => path.endsWith(".onnx")) && model.some((path) => /LICENSE/i.test(path)),
    `no model: ${model}`,
  );
  const before = storedContents();
  for (const line of listing(files, before)) console.log(`        ${line}`);
  const problems = contentProblems(files, before);
  expect(
    problems.length === 0,
    `${problems.slice(0, 10).join("\n")}\nIf this is meant: node test/package/contents.mjs --write`,
  );
  for (const path of ["dist/test/a.js", "src/index.ts", "dist/src/index.js.map", "later/a.js"]) {
    expect(contentProblems([{ path, size: 1 }], before).length > 0, `${path} would not be noticed`);
  }
  const grown = files.map(({ path, size }) => ({ path, size: 1.2 * size }));
  expect(contentProblems(grown, before).length > 0, "growth would not be noticed");
}

/** Symbols name the version of the library that first had them; a system with an older one cannot load the binary. */
function checkGlibc() {
  const symbols = execFileSync("objdump", ["-T", join(root, binary)], { encoding: "utf8" });
  const [major, minor] = OLDEST_GLIBC;
  const newer = symbols.split("\n").filter((line) => {
    const [, a, b] = /\(GLIBC_(\d+)\.(\d+)/.exec(line) ?? [];
    return /GLIBCXX|CXXABI/.test(line) || a > major || (a === major && b > minor) || Number(b) > minor;
  });
  expect(newer.length === 0, `newer than glibc ${OLDEST_GLIBC.join(".")}, or of libstdc++:\n${newer.join("\n")}`);
}

function tool(name, args) {
  execFileSync(join(root, "node_modules", ".bin", name), args, { cwd: root, encoding: "utf8", stdio: "pipe" });
}

function checkHelp(folder) {
  const help = npm(folder, ["exec", "--offline", "--", "embedless", "--help"]);
  for (const verb of ["build", "search", "stats", "plan", "bench", "export", "import", "backup"])
    expect(help.includes(verb), `--help does not name ${verb}`);
}

/** Without anything optional the core works, and says what to install for the rest. */
function checkBare(tarball) {
  const bare = project(work, "bare", [tarball], ["--omit=optional", "--omit=peer"]);
  checkBoth("an embedder of one's own, nothing optional installed", bare, () => ownEmbedder);
  check("embedless compile says what to install", () => {
    const program = join(bare, "node_modules", "embedless", "dist", "src", "cli", "main.js");
    const { status, stderr } = spawnSync(process.execPath, [program, "compile"], { cwd: bare, encoding: "utf8" });
    expect(status === 1 && /npm install --ignore-scripts cmake-js@\S+ node-addon-api@/.test(stderr), stderr);
  });
  for (const [what, lines, says] of missing) {
    check(`what to install is said where ${what} is missing`, () => {
      const { status, stderr } = start(bare, "main.mjs", lines);
      expect(status === 1 && says.test(stderr), `exit ${status}\n${stderr}`);
    });
  }
}

/** Errors in other packages' types are theirs; ours must have none, and need no types of Node. */
function checkTypes(tarball) {
  const compilers = TYPESCRIPTS.map((version) => `typescript-${version}@npm:typescript@${version}`);
  const folder = project(work, "types", [tarball, tested("@langchain/core"), tested("llamaindex"), ...compilers]);
  writeFileSync(join(folder, "uses.mts"), typedUses);
  writeFileSync(join(folder, "uses.cts"), typedUses);
  const strict = { strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false, types: [] };
  const compilerOptions = { ...strict, target: "es2022", module: "nodenext", noEmit: true };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["uses.mts", "uses.cts"] }));
  for (const version of TYPESCRIPTS) {
    check(`types under TypeScript ${version}`, () => {
      const tsc = join(folder, "node_modules", `typescript-${version}`, "bin", "tsc");
      const args = [tsc, "-p", folder];
      const { stdout } = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
      // Wrong options are told without a file.
      const ours = stdout.split("\n").filter((line) => /^(error|uses\.[mc]ts|node_modules\/embedless\/)/.test(line));
      expect(ours.length === 0, ours.slice(0, 10).join("\n"));
    });
  }
}
