import { type ChildProcess, fork } from "node:child_process";
import { programPath } from "./programs.js";

/** What came of a question to a child: its answer, or how it died over it. */
export type Reply<A> = { value: A } | { failure: string };

interface Child {
  process: ChildProcess;
  answered: number;
  /** The end of what it wrote to its standard error. */
  words: string;
}

/**
 * Processes that answer one question after another, so that one that crashes takes nobody else along. A child that
 * crashes or hangs is a failure of the question it had; another one takes its place.
 */
export class ChildPool<Q, A> {
  readonly #program: string;
  readonly #timeoutMs: number;
  readonly #mostAnswers: number;
  readonly #user: { uid?: number; gid?: number };
  readonly #idle: Child[] = [];
  readonly #all = new Set<Child>();

  /**
   * @param program Its name in `test/support`.
   * @param mostAnswers Answers of one child before it is let go.
   * @param user Whom the children run as. Default: whoever runs this process.
   */
  constructor(program: string, timeoutMs: number, mostAnswers: number, user: { uid?: number; gid?: number } = {}) {
    this.#user = user;
    this.#program = programPath(program);
    this.#timeoutMs = timeoutMs;
    this.#mostAnswers = mostAnswers;
  }

  /** Asks an idle child, or a new one. `before` is told its process id. */
  async ask(question: Q, before: (pid: number) => void = () => {}): Promise<Reply<A>> {
    const child = this.#idle.pop() ?? this.#start();
    before(child.process.pid!);
    const reply = await this.#exchange(child, question);
    if ("failure" in reply || ++child.answered >= this.#mostAnswers) this.#end(child);
    else this.#idle.push(child);
    return reply;
  }

  /** Ends all children. */
  close(): void {
    for (const child of this.#all) this.#end(child);
  }

  #exchange(child: Child, question: Q): Promise<Reply<A>> {
    return new Promise((resolve) => {
      const settle = (reply: Reply<A>) => {
        clearTimeout(timer);
        child.process.removeAllListeners("message").removeAllListeners("exit");
        resolve(reply);
      };
      const timer = setTimeout(() => settle({ failure: `no answer in ${this.#timeoutMs} ms` }), this.#timeoutMs);
      child.process.once("message", (value) => settle({ value: value as A }));
      child.process.once("exit", (code, signal) => {
        settle({ failure: `the process died (${signal ?? code}): ${child.words.slice(-500)}` });
      });
      child.process.send(question as object);
    });
  }

  #start(): Child {
    const process = fork(this.#program, { ...this.#user, stdio: ["ignore", "ignore", "pipe", "ipc"] });
    const child: Child = { process, answered: 0, words: "" };
    process.stderr!.setEncoding("utf8").on("data", (words: string) => {
      child.words = (child.words + words).slice(-2000);
    });
    this.#all.add(child);
    return child;
  }

  #end(child: Child): void {
    this.#all.delete(child);
    child.process.kill("SIGKILL");
  }
}
