import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The compiled program; `npm test` builds it. */
export const MAIN = fileURLToPath(new URL("../../dist/src/cli/main.js", import.meta.url));

export interface Ended {
  /** Exit code, or the signal that ended it. */
  code: number | string | null;
  stdout: string;
  stderr: string;
}

export interface RunningCommand {
  readonly child: ChildProcess;
  /** What was written to the output so far. */
  stdout(): string;
  readonly ended: Promise<Ended>;
}

export interface CommandOptions {
  cwd?: string;
  env?: Record<string, string>;
}

/** Starts `embedless` with these arguments. */
export function startCommand(args: string[], { cwd, env }: CommandOptions = {}): RunningCommand {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: npm run build makes it.`);
  const child = spawn(process.execPath, [MAIN, ...args], {
    ...(cwd && { cwd }),
    env: { ...process.env, FORCE_COLOR: "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code: code ?? signal, stdout, stderr }));
  });
  return { child, stdout: () => stdout, ended };
}

/** Runs `embedless` to its end. */
export function runCommand(args: string[], options: CommandOptions = {}): Promise<Ended> {
  return startCommand(args, options).ended;
}
