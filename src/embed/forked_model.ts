import type { ChildProcess } from "node:child_process";
import { needsExactBytes } from "./byte_products.js";
import type { EngineSpec, FromChild, ToChild } from "./engine.js";
import { startModelProcess } from "./model_process.js";

/** What the pool is told by a model's process. Every process that was started ends with exactly one `onEnd`. */
export interface ForkedModelEvents {
  onMessage(model: ForkedModel, message: FromChild): void;
  /** The process is gone. `why` says how, as the end of a sentence. */
  onEnd(model: ForkedModel, why: string): void;
}

/** Ended with this process, also by `process.exit()`, when a stopped or busy child would not notice the closed channel. */
const running = new Set<ChildProcess>();
let watchesExit = false;

const STDERR_KEPT = 2000;

/** A process that has no model yet, and what is done when it ends before it gets one. */
let ahead: { readonly child: ChildProcess; readonly forget: () => void } | undefined;

/**
 * Starts a process before it is known which model it will run: it gets ready what every local model needs meanwhile. The
 * next model takes it. It does not keep the event loop alive, and ends with this process.
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
  // Its own listeners alone: Node has some for the channel.
  return taken.child.off("exit", taken.forget).off("error", taken.forget);
}

function startProcess(args: readonly string[]): ChildProcess {
  const child = startModelProcess(args);
  endWithThisProcess(child);
  return child;
}

/** Whether a process may keep the caller's event loop alive. */
function holdProcess(child: ChildProcess, held: boolean): void {
  // Bun has a channel without these methods.
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
  /** Tasks sent and not yet answered, oldest first: that one is being run. */
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
    // A closed channel is followed by the process's end, which tells what happened to the task.
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  /** Whether this process may keep the caller's event loop alive. */
  hold(held: boolean): void {
    holdProcess(this.#child, held);
  }

  /** Ends the process at once, whatever it is doing. */
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
