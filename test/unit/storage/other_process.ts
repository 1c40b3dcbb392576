import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const built = new URL("../../../dist/src/storage/", import.meta.url);

/** A script that runs in a process of its own. */
export interface OtherProcess {
  readonly child: ChildProcess;
  /** All lines that it printed, once it has ended well or was killed. */
  readonly printed: Promise<string[]>;
  /** Its next line. */
  heard(): Promise<string>;
  /** Lets its `await step()` return. */
  go(): void;
}

/**
 * Starts a script with `open(path, options)`, `say(line)` and `step()` at hand, which waits for this process.
 *
 * @param user Whom it runs as, where this process may choose. Default: the same user.
 */
export function start(script: string, user?: number): OtherProcess {
  const program = fileURLToPath(new URL("database.js", built));
  if (!existsSync(program))
    throw new Error("dist/ is missing: these tests start processes, so build the TypeScript first");
  const preamble = `
    import { createInterface } from "node:readline";
    import { Database } from ${JSON.stringify(new URL("database.js", built).href)};
    const say = (line) => process.stdout.write(line + "\\n");
    const steps = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
    const step = async () => {
      if ((await steps.next()).done) process.exit(0); // the test is over, however it ended
    };
    const open = (path, options) =>
      Database.open(path, { create: true, readOnly: false, durability: "normal", lockTimeoutMs: 20000, ...options });
    const main = async () => {${script}};
    main().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });`;
  const identity = user === undefined ? {} : { uid: user, gid: user };
  const child = spawn(process.execPath, ["--input-type=module", "-e", preamble], { cwd: "/", ...identity });
  const lines: string[] = [];
  const reading = createInterface({ input: child.stdout });
  reading.on("line", (line) => lines.push(line));
  const next = reading[Symbol.asyncIterator]();
  let complaints = "";
  child.stderr.on("data", (data) => {
    complaints += data;
  });
  const printed = new Promise<string[]>((resolve, reject) => {
    child.on("close", (code, signal) => {
      if (code === 0 || signal === "SIGKILL") resolve(lines);
      else reject(new Error(`exit ${code}: ${complaints}`));
    });
  });
  printed.catch(() => {}); // the test that waits for it is told all the same
  return {
    child,
    printed,
    heard: async () => String((await next.next()).value),
    go: () => void child.stdin.write("\n"),
  };
}
