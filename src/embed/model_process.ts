/** Starts the process that runs a model, in whatever surroundings the caller's program runs. */
import { type ChildProcess, fork } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { EmbedlessError, isError } from "../errors.js";
import { packagePath } from "../package_root.js";

/** Set in the environment of the processes started here. */
const MARK = "EMBEDLESS_MODEL_PROCESS";

/**
 * Starts the program of `child.ts`, which waits for messages.
 *
 * @param args its arguments
 * @throws EmbedlessError `EMBEDDER_FAILED` where no process can be started that runs it: in a single executable, whose only
 *   program is the application itself; `NOT_FOUND` if the package is not built
 */
export function startModelProcess(args: readonly string[]): ChildProcess {
  requireNode();
  const program = packagePath("dist", "src", "embed", "child.js");
  if (!existsSync(program))
    throw new EmbedlessError("NOT_FOUND", `There is no file ${program}; "npm run build" makes it.`);
  try {
    return fork(program, args, {
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      // A debugger's port or a loader is meant for the caller's program, not for this one.
      execArgv: [],
      env: { ...process.env, NODE_OPTIONS: resolverOptions(process.env["NODE_OPTIONS"] ?? ""), [MARK]: "1" },
    });
  } catch (cause) {
    // Node's permission model, for one, allows none.
    const why = isError(cause) ? cause.message : String(cause);
    throw new EmbedlessError("EMBEDDER_FAILED", `The process of the model could not be started: ${why}.`, { cause });
  }
}

/** Throws unless the executable that runs this runs a given program too. */
function requireNode(): void {
  if (process.env[MARK] !== undefined) {
    throw notNode(
      "The process that was to run the model runs the application again. The application is packed in a way that takes " +
        "the place of Node.",
    );
  }
  if (isSingleExecutable()) throw notNode("The application is a single executable, which runs no other program.");
}

function notNode(why: string): EmbedlessError {
  const help = "Use an embedder that needs no process, for instance httpEmbedder, or run the application with Node.";
  return new EmbedlessError("EMBEDDER_FAILED", `${why} ${help}`);
}

/** Whether the application and Node are one file, made by Node itself (node:sea), pkg or nexe. */
function isSingleExecutable(): boolean {
  if ("pkg" in process || "__nexe" in process) return true;
  try {
    // Node 20.12 and newer have it; other runtimes do not.
    const sea = createRequire(import.meta.url)("node:sea") as { isSea(): boolean };
    return sea.isSea();
  } catch {
    return false;
  }
}

/** What loads Yarn's Plug'n'Play, and nothing else: without it a process finds no packages. */
const PLUG_AND_PLAY =
  /(?:--require|-r|--import|--loader|--experimental-loader)[ =](?:"[^"]*\.pnp\.[^"]*"|\S*\.pnp\.\S*)/g;

/** Those of `NODE_OPTIONS` that make packages findable. Exported for its test. */
export function resolverOptions(options: string): string {
  return (options.match(PLUG_AND_PLAY) ?? []).join(" ");
}
