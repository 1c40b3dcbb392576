// The package where programs live beside plain Node: in test runners, other runtimes and package managers, in bundles, as a
// single executable, under Node's permission model. Each is set up as its users would, and asks the same questions.
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, cpSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { npm, project, tested } from "./projects.mjs";
import { documents, fileBlock } from "./readme_blocks.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** What is installed here, of which the test says the version. */
const VERSIONS = {
  jest: "30.5.2",
  vitest: "4.1.12",
  "happy-dom": "21.0.4",
  jsdom: "26.1.0",
  "@oven/bun-linux-x64": "1.4.5",
  "@yarnpkg/cli-dist": "4.18.1",
  next: "15.5.29",
  esbuild: "0.28.2",
  rollup: "4.68.8",
  webpack: "5.113.0",
  "webpack-cli": "7.3.1",
  postject: "1.0.0-alpha.6",
};

const at = (name) => `${name}@${VERSIONS[name]}`;

/** A program's whole life with a store: made, asked, checked, copied, opened again, and an error that has a code. */
const LIFE = `async function life({ VectorStore }, file) {
  const store = await VectorStore.open(file);
  await store.add([
    { id: "llama", text: "Llamas are kept in the high Andes for wool and as beasts of burden." },
    { id: "hen", text: "A hen lays about one egg a day in summer." },
  ]);
  const { hits } = await store.search("Which animal carries loads in the mountains?", { k: 1 });
  const { problems } = await store.verify();
  await store.backup(file + ".copy");
  await store.close();
  const again = await VectorStore.open(file);
  const { signal } = new AbortController();
  const { hits: later } = await again.search("eggs", { k: 1, signal });
  await again.close();
  const wrong = await VectorStore.open(file + "/nowhere.db").catch(({ code }) => code);
  const said = JSON.stringify([hits[0].id, later[0].id, problems, wrong]);
  if (said !== '["llama","hen",[],"NOT_FOUND"]' && said !== '["llama","hen",[],"IO"]') throw new Error(said);
  return "sound";
}
`;
const IMPORTED = `${LIFE}import * as embedless from "embedless";\n`;
const ADAPTER = `import { EmbedlessVectorStore, MiniLMEmbeddings } from "embedless/langchain";
const adapted = await EmbedlessVectorStore.fromTexts(["A hen lays eggs.", "Sharks swim."], {}, new MiniLMEmbeddings());
const [found] = await adapted.asRetriever(1).invoke("Which fish is the oldest?");
if (found.pageContent !== "Sharks swim.") throw new Error(found.pageContent);
await adapted.close();
`;
const PROGRAM = `${IMPORTED}console.log(await life(embedless, process.pid + ".db"));\n`;

/**
 * @param check Runs a named check and counts it.
 * @param places The folder for all of it and the packed package.
 */
export function checkEnvironments(check, { work, tarball }) {
  checkTestRunners(check, work, tarball);
  checkBundlers(check, work, tarball);
  checkOldResolution(check, work, tarball);
  checkPermissions(check, work, tarball);
  if (process.platform !== "linux" || process.arch !== "x64") return;
  checkBun(check, work, tarball);
  checkYarn(check, work, tarball);
  checkNext(check, work, tarball);
  checkSingleExecutable(check, work, tarball);
}

/** Runs a program and returns what it printed; throws what it said if it failed or did not say `expected`. */
function told(folder, command, args, expected, env = {}) {
  const options = { cwd: folder, encoding: "utf8", timeout: 240_000, env: { ...process.env, ...env } };
  const { status, signal, stdout, stderr } = spawnSync(command, args, options);
  if (status === 0 && expected.test(stdout + stderr)) return stdout + stderr;
  throw new Error(`exit ${status ?? signal}, expected ${expected}\n${(stdout + stderr).slice(-3000)}`);
}

const bin = (folder, ...path) => join(folder, "node_modules", ...path);

function checkTestRunners(check, work, tarball) {
  const jsdom = `jest-environment-jsdom@${VERSIONS.jest}`;
  const jest = project(work, "jest", [tarball, at("jest"), jsdom, tested("@langchain/core")]);
  const asked = `test("a store", async () => expect(await life(require("embedless"), "required.db")).toBe("sound"), 60000);\n`;
  const adapted = ADAPTER.replace(/^import (.*) from (.*);$/m, "const $1 = require($2);");
  const adapter = `test("an adapter", async () => {\n${adapted}}, 60000);\n`;
  writeFileSync(join(jest, "node.test.js"), LIFE + asked + adapter);
  writeFileSync(
    join(jest, "browser.test.js"),
    `/** @jest-environment jsdom */\n${LIFE}${asked.replace("required", "jsdom")}`,
  );
  check(`Jest ${VERSIONS.jest}, as it is, and with jsdom`, () =>
    told(jest, process.execPath, [bin(jest, "jest", "bin", "jest.js")], /Tests: +3 passed/),
  );
  writeFileSync(
    join(jest, "imported.test.mjs"),
    `${IMPORTED}test("a store", async () => expect(await life(embedless, "imported.db")).toBe("sound"), 60000);\n`,
  );
  check("Jest with ES modules", () =>
    told(
      jest,
      process.execPath,
      ["--experimental-vm-modules", bin(jest, "jest", "bin", "jest.js"), "--testMatch", "**/*.test.mjs"],
      /Tests: +1 passed/,
    ),
  );

  const vitest = project(work, "vitest", [tarball, at("vitest"), at("jsdom"), at("happy-dom")]);
  for (const environment of ["jsdom", "happy-dom"]) {
    writeFileSync(
      join(vitest, `${environment}.test.mjs`),
      `// @vitest-environment ${environment}\nimport { expect, test } from "vitest";\n${IMPORTED}` +
        `test("a store", async () => expect(await life(embedless, "${environment}.db")).toBe("sound"), 60000);\n`,
    );
  }
  check(`Vitest with jsdom ${VERSIONS.jsdom} and happy-dom ${VERSIONS["happy-dom"]}`, () =>
    told(vitest, process.execPath, [bin(vitest, "vitest", "vitest.mjs"), "run"], /Tests .*2 passed/),
  );
}

/** With the package named as external, as `docs/environments.md` says, sub-paths included. */
function checkBundlers(check, work, tarball) {
  const tools = [at("esbuild"), at("rollup"), at("webpack"), at("webpack-cli"), tested("@langchain/core")];
  const folder = project(work, "bundlers", [tarball, ...tools]);
  writeFileSync(join(folder, "app.mjs"), PROGRAM + ADAPTER);
  writeFileSync(
    join(folder, "rollup.config.mjs"),
    `export default { input: "app.mjs", external: [/^embedless/, /^@langchain/], output: { file: "rollup.mjs" } };\n`,
  );
  writeFileSync(
    join(folder, "webpack.config.mjs"),
    `export default { mode: "production", target: "node", entry: "./app.mjs", externals: [/^embedless/, /^@langchain/],
  externalsType: "module", experiments: { outputModule: true },
  output: { path: import.meta.dirname, filename: "webpack.mjs", module: true } };\n`,
  );
  const bundled = {
    esbuild: ["esbuild", "bin", "esbuild"],
    rollup: ["rollup", "dist", "bin", "rollup"],
    webpack: ["webpack-cli", "bin", "cli.js"],
  };
  const external = ["--external:embedless", "--external:@langchain/core"];
  const args = {
    esbuild: ["app.mjs", "--bundle", "--platform=node", "--format=esm", "--outfile=esbuild.mjs", ...external],
    rollup: ["-c"],
    webpack: [],
  };
  for (const [name, path] of Object.entries(bundled)) {
    check(`bundled by ${name} ${VERSIONS[name]}`, () => {
      told(folder, process.execPath, [bin(folder, ...path), ...args[name]], /(?:)/);
      told(folder, process.execPath, [`${name}.mjs`], /sound/);
    });
  }
  check("a bundle far from the package says what to do", () => {
    const far = join(work, "far");
    mkdirSync(far);
    const native = ["--loader:.node=empty", "--external:onnxruntime-node", "--external:@photostructure/sqlite"];
    const banner = `--banner:js=import { createRequire as r } from "node:module"; const require = r(import.meta.url);`;
    const inside = [
      "app.mjs",
      "--bundle",
      "--platform=node",
      "--format=esm",
      `--outfile=${far}/whole.mjs`,
      banner,
      ...native,
    ];
    told(folder, process.execPath, [bin(folder, ...bundled.esbuild), ...inside], /(?:)/);
    cpSync(bin(folder, "@photostructure"), bin(far, "@photostructure"), { recursive: true });
    for (const needed of ["node-gyp-build"]) cpSync(bin(folder, needed), bin(far, needed), { recursive: true });
    writeFileSync(
      join(far, "main.mjs"),
      `await import("./whole.mjs").catch(({ code, message }) => console.log(code, message));\n`,
    );
    told(far, process.execPath, ["main.mjs"], /^NATIVE_LOAD .*external/);
  });
}

/** Types and sub-paths for projects that do not read `exports`. */
function checkOldResolution(check, work, tarball) {
  const typescript = "5.9.3";
  const folder = project(work, "node10", [tarball, tested("@langchain/core"), `typescript@${typescript}`]);
  writeFileSync(
    join(folder, "uses.ts"),
    `import { VectorStore } from "embedless";\nimport { EmbedlessVectorStore } from "embedless/langchain";\n` +
      `export const both: [typeof VectorStore, typeof EmbedlessVectorStore] = [VectorStore, EmbedlessVectorStore];\n`,
  );
  const options = ["--moduleResolution", "node10", "--module", "commonjs", "--target", "es2022", "--skipLibCheck"];
  check(`types under moduleResolution node10, TypeScript ${typescript}`, () =>
    told(folder, process.execPath, [bin(folder, "typescript", "bin", "tsc"), "--noEmit", ...options, "uses.ts"], /^$/),
  );
}

/** Whatever the permission model refuses has a code. */
function checkPermissions(check, work, tarball) {
  const folder = project(work, "permissions", [tarball]);
  writeFileSync(
    join(folder, "main.mjs"),
    `import { VectorStore } from "embedless";
const vector = (text) => [1, 2, text.length];
const embedder = { id: "own", dims: 3, embedDocuments: async (texts) => texts.map(vector), embedQuery: async (text) => vector(text) };
const store = await VectorStore.open("own.db", { embedder });
await store.add([{ text: "one" }]);
const local = await VectorStore.open("local.db");
const failures = [store.backup("copy.db"), local.add([{ text: "one" }]), VectorStore.open("no/own.db")];
const codes = (await Promise.allSettled(failures)).map(({ reason }) => reason?.code);
console.log(codes.join());
await store.close();
await local.close();
`,
  );
  check("Node's permission model: what is refused has a code", () =>
    told(
      folder,
      process.execPath,
      ["--experimental-permission", "--allow-fs-read=*", "--allow-addons", "main.mjs"],
      /^IO,EMBEDDER_FAILED,NOT_FOUND$/m,
    ),
  );
}

function checkBun(check, work, tarball) {
  const folder = project(work, "bun", [tarball, at("@oven/bun-linux-x64"), tested("@langchain/core")]);
  writeFileSync(join(folder, "main.mjs"), PROGRAM + ADAPTER);
  check(`Bun ${VERSIONS["@oven/bun-linux-x64"]}`, () => {
    const bun = bin(folder, "@oven", "bun-linux-x64", "bin", "bun");
    chmodSync(bun, 0o755);
    told(folder, bun, ["main.mjs"], /sound/);
  });
}

function checkYarn(check, work, tarball) {
  const tool = project(work, "yarn", [at("@yarnpkg/cli-dist")]);
  const folder = join(work, "plug-and-play");
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), `{ "private": true }\n`);
  writeFileSync(join(folder, "yarn.lock"), "");
  writeFileSync(join(folder, "main.mjs"), PROGRAM);
  check(`Yarn Plug'n'Play ${VERSIONS["@yarnpkg/cli-dist"]}`, () => {
    const registry = npm(work, ["config", "get", "registry"]).trim().replace(/\/$/, "");
    const env = {
      YARN_NODE_LINKER: "pnp",
      YARN_NPM_REGISTRY_SERVER: registry,
      YARN_UNSAFE_HTTP_WHITELIST: new URL(registry).hostname,
      YARN_ENABLE_SCRIPTS: "0",
      YARN_ENABLE_TELEMETRY: "0",
      YARN_ENABLE_GLOBAL_CACHE: "0",
      YARN_ENABLE_IMMUTABLE_INSTALLS: "0",
    };
    const yarn = bin(tool, "@yarnpkg", "cli-dist", "bin", "yarn.js");
    told(folder, process.execPath, [yarn, "add", `embedless@file:${tarball}`], /(?:)/, env);
    told(folder, process.execPath, [yarn, "node", "main.mjs"], /sound/, env);
  });
}

/** The settings are those that `docs/environments.md` shows. What was built runs far from its sources, as in a container. */
function checkNext(check, work, tarball) {
  const folder = project(work, "next", [tarball, at("next"), "react@19.2.0", "react-dom@19.2.0"]);
  mkdirSync(join(folder, "app", "ask"), { recursive: true });
  writeFileSync(join(folder, "next.config.mjs"), fileBlock(documents(root), "next.config.mjs"));
  writeFileSync(
    join(folder, "app", "layout.js"),
    "export default ({ children }) => <html><body>{children}</body></html>;\n",
  );
  writeFileSync(
    join(folder, "app", "ask", "route.js"),
    `${IMPORTED}export const dynamic = "force-dynamic";
export const GET = async () => Response.json(await life(embedless, "own.db"));\n`,
  );
  writeFileSync(
    join(folder, "ask.mjs"),
    `import { spawn } from "node:child_process";
const server = spawn(process.execPath, ["server.js"], { env: { ...process.env, PORT: "0", HOSTNAME: "127.0.0.1" } });
let said = "";
server.stdout.on("data", async (text) => {
  said += text;
  const [address] = /http:\\/\\/127\\.0\\.0\\.1:\\d+/.exec(said) ?? [];
  if (address === undefined || said.includes("asked")) return;
  said += "asked";
  const response = await fetch(address + "/ask");
  console.log(response.status, await response.text());
  server.kill();
});
server.stderr.pipe(process.stderr);
`,
  );
  check(`Next ${VERSIONS.next}, standalone`, () => {
    const next = bin(folder, "next", "dist", "bin", "next");
    told(folder, process.execPath, [next, "build"], /(?:)/, { NEXT_TELEMETRY_DISABLED: "1" });
    const deployed = join(work, "deployed");
    renameSync(join(folder, ".next", "standalone"), deployed);
    copyFileSync(join(folder, "ask.mjs"), join(deployed, "ask.mjs"));
    // Its sources must not be found where they were.
    renameSync(folder, join(work, "moved"));
    told(deployed, process.execPath, ["ask.mjs"], /^200 "sound"$/m);
  });
}

/** An application that is its own Node: it says so, and does not start itself again and again. */
function checkSingleExecutable(check, work, tarball) {
  const folder = project(work, "single", [tarball, at("postject")]);
  writeFileSync(
    join(folder, "app.cjs"),
    `const { createRequire } = require("node:module");
const { VectorStore } = createRequire(process.execPath)("embedless");
VectorStore.open("own.db").then(async (store) => {
  await store.add([{ text: "one" }]).catch(({ code, message }) => console.log(code, message));
  await store.close();
});
`,
  );
  writeFileSync(
    join(folder, "sea.json"),
    JSON.stringify({ main: "app.cjs", output: "app.blob", disableExperimentalSEAWarning: true }),
  );
  check("a single executable says what it lacks", () => {
    execFileSync(process.execPath, ["--experimental-sea-config", "sea.json"], { cwd: folder, stdio: "ignore" });
    const app = join(folder, "app");
    copyFileSync(process.execPath, app);
    const fuse = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";
    const inject = [
      bin(folder, "postject", "dist", "cli.js"),
      app,
      "NODE_SEA_BLOB",
      "app.blob",
      "--sentinel-fuse",
      fuse,
    ];
    told(folder, process.execPath, inject, /(?:)/);
    told(folder, app, [], /^EMBEDDER_FAILED The application is a single executable/m);
  });
}
