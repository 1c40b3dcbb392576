import { type ChildProcess, fork } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { EmbedlessError, isError, outOfRange } from "../base/errors.js";
import { packagePath } from "../base/packages.js";
import { native } from "../native/native.js";
import type { EngineSpec, FromChild, ToChild } from "./engine.js";

/** Events of a model's process for the pool. Every process that was started ends with exactly one `onEnd`. */
export interface ForkedModelEvents {
  onMessage(model: ForkedModel, message: FromChild): void;
  /** The process has ended. `why` says how, as the end of a sentence. */
  onEnd(model: ForkedModel, why: string): void;
}

/**
 * Processes that must end with this one, also after `process.exit()`. A stopped or busy child would not notice the
 * closed channel.
 */
const running = new Set<ChildProcess>();
let watchesExit = false;

const STDERR_KEPT = 2000;

/** A process that has no model yet, and what happens if it ends before it gets one. */
let ahead: { readonly child: ChildProcess; readonly forget: () => void } | undefined;

/**
 * Starts a process before its model is known. It prepares what every local model needs. The next model takes it. It
 * does not keep the event loop alive, and ends with this process.
 */
export function startAhead(): void {
  if (ahead !== undefined) return;
  const child = startProcess(["ahead"]);
  const forget = (): void => {
    running.delete(child);
    if (ahead?.child === child) ahead = undefined;
  };
  ahead = { child, forget };
  child.once("exit", forget).once("error", forget);
  holdProcess(child, false);
}

function takeAhead(): ChildProcess | undefined {
  const taken = ahead;
  ahead = undefined;
  if (!taken?.child.connected) return undefined;
  // Only its own listeners are removed, because Node has some for the channel.
  return taken.child.off("exit", taken.forget).off("error", taken.forget);
}

function startProcess(args: readonly string[]): ChildProcess {
  const child = startModelProcess(args);
  endWithThisProcess(child);
  return child;
}

/** Whether a process may keep the caller's event loop alive. */
function holdProcess(child: ChildProcess, held: boolean): void {
  // Bun's channel does not have these methods.
  type Holder = { ref?(): void; unref?(): void } | null | undefined;
  const [channel, stderr] = [child.channel, child.stderr] as Holder[];
  if (held) {
    child.ref();
    channel?.ref?.();
  } else {
    child.unref();
    channel?.unref?.();
    stderr?.unref?.();
  }
}

/** One child process with one model. */
export class ForkedModel {
  /** Set once the model is loaded. */
  ready = false;
  /** Tasks that were sent and not yet answered. The oldest one is running. */
  readonly tasks: number[] = [];
  readonly #child: ChildProcess;
  #stderr = "";

  constructor(spec: EngineSpec, events: ForkedModelEvents) {
    const exactBytes = needsExactBytes();
    this.#child = takeAhead() ?? startProcess([]);
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT);
    });
    this.#child.on("message", (message) => events.onMessage(this, message as FromChild));
    const end = (why: string): void => {
      running.delete(this.#child);
      this.#child.removeAllListeners().on("error", () => {});
      events.onEnd(this, why);
    };
    this.#child.once("exit", (status, signal) => end(this.#ending(status, signal)));
    this.#child.once("error", (error) => end(`could not be started: ${error.message}`));
    this.send({ type: "load", spec, exactBytes });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  send(message: ToChild): void {
    if (message.type === "embed") this.tasks.push(message.task);
    // If the channel is closed, the process's end follows, and reports what happened to the task.
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  /** Whether this process may keep the caller's event loop alive. */
  hold(held: boolean): void {
    holdProcess(this.#child, held);
  }

  /** Ends the process at once, even in the middle of a task. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #ending(status: number | null, signal: string | null): string {
    const how = signal ? `was ended by ${signal}` : `ended with status ${status}`;
    const last = this.#stderr.trim().split("\n").at(-1);
    return last ? `${how}: ${last}` : how;
  }
}

function endWithThisProcess(child: ChildProcess): void {
  running.add(child);
  if (watchesExit) return;
  watchesExit = true;
  process.once("exit", () => {
    for (const other of running) other.kill("SIGKILL");
  });
}

/** An environment variable of the processes started here. */
const MARK = "EMBEDLESS_MODEL_PROCESS";

/**
 * Starts the program of `child.ts`, which waits for messages.
 *
 * @param args The program's arguments.
 * @throws EmbedlessError `EMBEDDER_FAILED` if no process can run it, as in a single executable, whose only program is
 *   the application itself; `NOT_FOUND` if the package is not built
 */
export function startModelProcess(args: readonly string[]): ChildProcess {
  requireNode();
  const program = packagePath("dist", "src", "embed", "child.js");
  if (!existsSync(program))
    throw new EmbedlessError("NOT_FOUND", `There is no file ${program}. Run "npm run build" to create it.`);
  try {
    return fork(program, args, {
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      // A debugger's port or a loader is meant for the caller's program, not for this one.
      execArgv: [],
      env: { ...process.env, NODE_OPTIONS: resolverOptions(process.env["NODE_OPTIONS"] ?? ""), [MARK]: "1" },
    });
  } catch (cause) {
    // Node's permission model, for example, allows no process.
    const why = isError(cause) ? cause.message : String(cause);
    throw new EmbedlessError("EMBEDDER_FAILED", `The process of the model could not be started: ${why}.`, { cause });
  }
}

/** Throws unless the running executable can run a given program. */
function requireNode(): void {
  if (process.env[MARK] !== undefined) {
    throw notNode(
      "The process that should run the model runs the application again, because the application is packed in a " +
        "way that takes the place of Node.",
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

/** The options that load Yarn's Plug'n'Play. Without them a process finds no packages. */
const PLUG_AND_PLAY =
  /(?:--require|-r|--import|--loader|--experimental-loader)[ =](?:"[^"]*\.pnp\.[^"]*"|\S*\.pnp\.\S*)/g;

/** The options of `NODE_OPTIONS` that make packages findable. Exported for its test. */
export function resolverOptions(options: string): string {
  return (options.match(PLUG_AND_PLAY) ?? []).join(" ");
}

/** The environment variable that overrides the choice: `1` exact, `0` as the processor computes. */
const OVERRULING = "EMBEDLESS_EXACT_BYTES";

/**
 * Whether ONNX Runtime must be asked for exact products of bytes (`session.x64quantprecision`).
 *
 * Processors of x86-64 without VNNI sum two products of bytes in 16 bits, which saturate. An int8 model then gives a
 * vector at cosine 0.99 of what it gives elsewhere, and stores could not be moved between machines. Exact products take
 * these processors more time. Processors with VNNI sum in 32 bits and are exact anyway; there the request would take
 * 1.75 times the time for the same bits. On other architectures it has no effect.
 *
 * @throws RangeError (`INVALID_ARGUMENT`) if `EMBEDLESS_EXACT_BYTES` is neither 0 nor 1
 */
export function needsExactBytes(): boolean {
  const overruled = process.env[OVERRULING] ?? "";
  if (overruled === "") return process.arch === "x64" && !hasByteProducts();
  if (overruled !== "0" && overruled !== "1") throw outOfRange(OVERRULING, "0 or 1", overruled);
  return overruled === "1";
}

/** Without the addon this is unknown. Then exactness is requested, which is always correct. */
function hasByteProducts(): boolean {
  try {
    return native().hasByteProducts();
  } catch {
    return false;
  }
}
