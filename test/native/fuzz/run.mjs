// Runs the fuzz programs, two at a time: first each on the mutants that failed once, which are kept in `corpus`, then on
// new ones. What fails leaves its mutant in the current folder.

import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";

const corpus = join(import.meta.dirname, "corpus");

/** @returns {Promise<boolean>} */
function runProgram(program, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: "inherit" });
    child.once("error", reject);
    child.once("close", (code) => resolve(code === 0));
  });
}

/**
 * @param {string} folder of the programs
 * @param {string} seconds that each mutates
 * @param {string} seed
 * @returns {Promise<boolean>} whether no decoder failed
 */
export async function fuzzDecoders(folder, seconds, seed) {
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
        ));
      ok = replayed && (await runProgram(program, ["--seconds", seconds, "--seed", seed])) && ok;
    }
  };
  await Promise.all([work(), work()]);
  return ok;
}
