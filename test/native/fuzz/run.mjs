// Runs the fuzz programs, two at a time: first each on the mutants that failed once, which are kept in `corpus`, then on
// new ones. What fails leaves its mutant in the current folder.

import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";

const corpus = join(import.meta.dirname, "corpus");

/** @returns {Promise<boolean>} */
function runProgram(program, args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: "inherit", env: { ...process.env, ...env } });
    child.once("error", reject);
    child.once("close", (code) => resolve(code === 0));
  });
}

/**
 * @param {string} folder of the programs
 * @param {{ seconds: string, seed: string, env: Record<string, string> }} options how long each mutates, and options of
 *   the sanitizers
 * @returns {Promise<boolean>} whether no decoder failed
 */
export async function fuzzDecoders(folder, { seconds, seed, env }) {
  const programs = readdirSync(folder).filter((name) => /_fuzz(\.exe)?$/.test(name));
  const waiting = [...programs];
  let ok = programs.length > 0;
  const work = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const decoder = basename(name, ".exe").replace(/_fuzz$/, "");
      const failedOnce = readdirSync(corpus).filter((file) => file.startsWith(`${decoder}-`));
      const program = join(folder, name);
      const replayed =
        failedOnce.length === 0 ||
        (await runProgram(
          program,
          failedOnce.map((file) => join(corpus, file)),
          env,
        ));
      ok = replayed && (await runProgram(program, ["--seconds", seconds, "--seed", seed], env)) && ok;
    }
  };
  await Promise.all([work(), work()]);
  return ok;
}
