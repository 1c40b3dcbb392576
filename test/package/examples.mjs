// The examples, copied as they are into a project of somebody else that has the packed package: they compile there under
// strict settings, and they run. Those of the frameworks take a dozen more packages; test/contract runs them here.
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { project, tested } from "./projects.mjs";

const examples = fileURLToPath(new URL("../../examples/", import.meta.url));
/** What runs, with its arguments, and what is copied beside it. */
const PROGRAMS = { hello: [], quickstart: ["--passages", "60"], custom_embedder: [], filters: [] };
const BESIDE = ["manuals"];

export function checkExamples(check, { work, tarball }) {
  const folder = project(work, "examples", [tarball, tested("typescript"), tested("@types/node")]);
  for (const name of [...Object.keys(PROGRAMS), ...BESIDE]) {
    copyFileSync(join(examples, `${name}.ts`), join(folder, `${name}.ts`));
  }
  const options = { module: "nodenext", target: "es2022", strict: true, types: ["node"], outDir: "out" };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: options, include: ["*.ts"] }));
  check("examples copied into a project compile there", () => {
    execFileSync("npm", ["pkg", "set", "type=module"], { cwd: folder, stdio: "pipe" });
    const tsc = join(folder, "node_modules", "typescript", "bin", "tsc");
    execFileSync(process.execPath, [tsc, "-p", folder], { cwd: folder, encoding: "utf8", stdio: "pipe" });
  });
  for (const [name, args] of Object.entries(PROGRAMS)) {
    check(`the example ${name} copied into a project`, () => {
      const program = [join("out", `${name}.js`), ...args];
      const { status, stdout, stderr } = spawnSync(process.execPath, program, { cwd: folder, encoding: "utf8" });
      if (status !== 0 || stdout.trim() === "") throw new Error(`exit ${status}\n${stdout}${stderr}`);
    });
  }
}
