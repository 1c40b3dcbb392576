// Packs the package, installs it into an empty folder as a user would, and runs the README's lines and a question of our
// own there: as an ES module and through require().
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { asRequire, usageBlock } from "./readme_blocks.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const readme = readFileSync(join(root, "README.md"), "utf8");
const work = mkdtempSync(join(tmpdir(), "embedless-package-"));
let passed = 0;
const failures = [];

try {
  const { filename, files } = pack();
  check("the list of files", () => checkFiles(files.map((file) => file.path)));
  const project = install(join(work, filename));
  for (const [name, lines] of [
    ["the README's core usage", () => usageBlock(readme, "core")],
    ["the README's dials", () => usageBlock(readme, "dials")],
    ["the README's LangChain usage", () => usageBlock(readme, "langchain")],
    ["a question to the core", coreQuestion],
    ["a question through LangChain", langchainQuestion],
  ]) {
    check(`${name} as an ES module`, () => run(project, "main.mjs", lines()));
    check(`${name} through require()`, () => run(project, "main.cjs", asRequire(lines())));
  }
  check("npx embedless --help", () => {
    const help = npm(project, ["exec", "--offline", "--", "embedless", "--help"]);
    for (const verb of ["build", "search", "stats", "plan", "bench"])
      expect(help.includes(verb), `--help does not name ${verb}`);
  });
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
    failures.push(`\n${name}: ${error.stderr || error.message}`);
    console.log(`FAILED  ${name}`);
  }
}

function expect(truth, message) {
  if (!truth) throw new Error(message);
}

function npm(cwd, args) {
  return execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 2 ** 26 });
}

function pack() {
  const [packed] = JSON.parse(npm(root, ["pack", "--json", "--pack-destination", work]));
  console.log(`${packed.filename}: ${packed.files.length} files, ${(packed.size / 1e6).toFixed(1)} MB packed`);
  return packed;
}

function checkFiles(paths) {
  const needed = [
    "README.md",
    "LICENSE",
    "package.json",
    "dist/src/index.js",
    "dist/src/index.d.ts",
    "dist/src/cli/main.js",
    "dist/integrations/langchain/index.js",
    "addon/CMakeLists.txt",
    "addon/build.mjs",
    `prebuilds/${process.platform}-${process.arch}/embedless.node`,
  ];
  for (const path of needed) expect(paths.includes(path), `${path} is missing`);
  const model = paths.filter((path) => path.startsWith("src/embed/minilm/"));
  expect(
    model.some((path) => path.endsWith(".onnx")) && model.some((path) => /LICENSE/i.test(path)),
    `no model: ${model}`,
  );
  const unwanted = paths.filter((path) => /^(build|test|dist\/(test|examples)|examples|node_modules|\.ci)/.test(path));
  expect(unwanted.length === 0, `not for users: ${unwanted.slice(0, 5)}`);
}

/** Install scripts stay off: the package must not depend on any. */
function install(tarball) {
  const project = join(work, "project");
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), `{ "private": true }\n`);
  const langchain = `@langchain/core@${manifest.devDependencies["@langchain/core"]}`;
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
  npm(project, ["install", ...flags, tarball, langchain]);
  return project;
}

/** Runs a program in a folder of its own; it must end by itself, without an error, and have printed something. */
function run(project, file, lines) {
  const folder = mkdtempSync(join(project, "run-"));
  writeFileSync(join(folder, file), lines);
  const done = spawnSync(process.execPath, [file], { cwd: folder, encoding: "utf8", timeout: 120_000 });
  expect(done.status === 0, `exit ${done.status ?? done.signal}\n${done.stdout}${done.stderr}`);
  expect(done.stdout.trim() !== "", "printed nothing");
}

function coreQuestion() {
  return `import assert from "node:assert";
import { VectorStore } from "embedless";
const store = await VectorStore.open("own.db");
await store.add([
  { id: "llama", text: "Llamas are kept in the high Andes for wool and as beasts of burden." },
  { id: "hen", text: "A hen lays about one egg a day in summer." },
  { id: "shark", text: "Sharks have swum in the oceans for over 400 million years." },
]);
const { hits, cost } = await store.search("Which animal carries loads in the mountains?", { k: 1 });
assert.equal(hits[0].id, "llama");
console.log(hits[0].score, cost.recomputed);
await store.close();
`;
}

function langchainQuestion() {
  return `import assert from "node:assert";
import { EmbedlessVectorStore, MiniLMEmbeddings } from "embedless/langchain";
const texts = ["A hen lays about one egg a day.", "Sharks have swum in the oceans for ages."];
const store = await EmbedlessVectorStore.fromTexts(texts, {}, new MiniLMEmbeddings());
const [found] = await store.asRetriever(1).invoke("Which fish is the oldest?");
assert.equal(found.pageContent, texts[1]);
console.log(found.pageContent);
await store.close();
`;
}
