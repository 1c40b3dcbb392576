import { setTimeout } from "node:timers";
import { aborted, EmbedlessError, throwIfAborted } from "../base/errors.js";
import type { Embedded, EngineSpec, FromChild, TextKind } from "./engine.js";
import { ForkedModel } from "./forked_model.js";
import { warnOfGuess } from "./known_models.js";

/** One text in the pool. */
interface Task {
  readonly number: number;
  readonly text: string;
  readonly kind: TextKind;
  resolve(embedded: Embedded): void;
  reject(error: EmbedlessError): void;
}

/**
 * Time that a run may continue after nobody waits for it, before its process counts as hung. A run takes 5 to 100 ms.
 */
const GRACE_MS = 1_000;

/** Most tasks per process, so that the next one is there when one is done. */
const IN_FLIGHT = 2;

/**
 * Child processes that run one model, started when there is work. Each runs one text and has one more in advance. The
 * longest text of a call goes first, and questions go before passages. A process that dies is replaced when there is
 * work again, and only the text that it was running fails.
 *
 * Invariants: a task is in `#waiting`, or sent to one model, or settled. Processes keep the event loop alive exactly
 * while an unsettled task exists.
 */
export class Pool {
  readonly #spec: EngineSpec;
  readonly #models = new Set<ForkedModel>();
  readonly #tasks = new Map<number, Task>();
  #waiting: Task[] = [];
  #limit: number;
  #nextNumber = 0;
  #closed = false;

  /** @param workers Most processes. */
  constructor(spec: EngineSpec, workers: number) {
    this.#spec = spec;
    this.#limit = workers;
  }

  /** Process ids of the running models. */
  get pids(): number[] {
    return [...this.#models].flatMap((model) => model.pid ?? []);
  }

  /**
   * Embeds texts, one run each.
   *
   * @param kind Questions go before everything that waits.
   * @throws EmbedlessError what the model or its loading threw, `EMBEDDER_FAILED` if its process died, `ABORTED`,
   *   `CLOSED`
   */
  async embed(
    texts: string[],
    { kind, signal }: { kind: TextKind; signal?: AbortSignal | undefined },
  ): Promise<Embedded[]> {
    throwIfAborted(signal);
    if (this.#closed) throw closed();
    const answers = texts.map((text) => this.#task(text, kind));
    const tasks = answers.map(({ task }) => task);
    const queued = tasks.toSorted((a, b) => b.text.length - a.text.length);
    this.#waiting = kind === "question" ? [...queued, ...this.#waiting] : [...this.#waiting, ...queued];
    const onAbort = (): void => this.#abandon(tasks, aborted(signal));
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      this.#feed();
      return await Promise.all(answers.map(({ answer }) => answer));
    } catch (error) {
      this.#abandon(tasks, error as EmbedlessError);
      throw error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Starts a process for a question and one for the passages that follow it. They do not keep the event loop alive. */
  preload(): void {
    if (this.#closed) return;
    this.#grow(1);
    if (this.#tasks.size === 0) for (const model of this.#models) model.hold(false);
  }

  /** Ends all processes. Unfinished tasks fail with `CLOSED`. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#abandon([...this.#tasks.values()], closed());
    for (const model of this.#models) model.kill();
    this.#models.clear();
  }

  #task(text: string, kind: TextKind): { task: Task; answer: Promise<Embedded> } {
    const number = this.#nextNumber++;
    const { promise, resolve, reject } = deferred<Embedded>();
    const task = { number, text, kind, resolve, reject };
    this.#tasks.set(number, task);
    return { task, answer: promise };
  }

  #settle(number: number, how: (task: Task) => void): void {
    const task = this.#tasks.get(number);
    this.#tasks.delete(number);
    if (task) how(task);
    if (this.#tasks.size === 0) for (const model of this.#models) model.hold(false);
  }

  /** Rejects the unsettled ones of these tasks, removes them from the queue, and ends processes that hang in one. */
  #abandon(tasks: Task[], error: EmbedlessError): void {
    const open = tasks.filter(({ number }) => this.#tasks.has(number));
    if (open.length === 0) return;
    const numbers = new Set(open.map(({ number }) => number));
    this.#waiting = this.#waiting.filter(({ number }) => !numbers.has(number));
    for (const { number } of open) this.#settle(number, (task) => task.reject(error));
    for (const model of this.#models) this.#watch(model);
  }

  /** Ends a process that runs for too long with a text that nobody waits for. */
  #watch(model: ForkedModel): void {
    const run = model.tasks[0];
    if (run === undefined || this.#tasks.has(run)) return;
    setTimeout(() => {
      if (model.tasks[0] === run) model.kill();
    }, GRACE_MS).unref();
  }

  #feed(): void {
    if (this.#tasks.size === 0) return;
    try {
      this.#grow(this.#tasks.size);
    } catch (error) {
      this.#abandon([...this.#waiting], error as EmbedlessError);
    }
    const ready = [...this.#models].filter((model) => model.ready);
    for (let depth = 1; depth <= IN_FLIGHT; depth++) {
      for (const model of ready) {
        // The last texts of a queue are not sent in advance, because another process may be free sooner.
        if (this.#waiting.length < (depth === 1 ? 1 : ready.length)) return;
        if (model.tasks.length >= depth) continue;
        const { number, text, kind } = this.#waiting.shift()!;
        model.send({ type: "embed", task: number, text, kind });
      }
    }
  }

  /** Starts as many processes as there are texts, and one more, because passages follow a question. */
  #grow(texts: number): void {
    const alone = this.#spec.kind === "transformers" && ![...this.#models].some((model) => model.ready);
    // The first process downloads a hub's model, and the others find it in the cache.
    const wanted = alone ? 1 : Math.min(this.#limit, texts + 1);
    while (this.#models.size < wanted) {
      this.#models.add(
        new ForkedModel(this.#spec, {
          onMessage: (model, message) => this.#onMessage(model, message),
          onEnd: (model, why) => this.#onEnd(model, why),
        }),
      );
    }
    for (const model of this.#models) model.hold(true);
  }

  #onMessage(model: ForkedModel, message: FromChild): void {
    if (message.type === "ready") {
      model.ready = true;
      warnOfGuess(message.guess);
    } else if (message.type === "unusable") {
      this.#models.delete(model);
      model.kill();
      this.#withoutOne(new EmbedlessError(message.code, message.message));
    } else {
      model.tasks.splice(model.tasks.indexOf(message.task), 1);
      if (message.type === "failed") {
        this.#settle(message.task, (task) => task.reject(new EmbedlessError(message.code, message.message)));
      } else {
        const { vector, tokens, truncated } = message;
        this.#settle(message.task, (task) => task.resolve({ vector, tokens, truncated }));
      }
      this.#watch(model);
    }
    this.#feed();
  }

  #onEnd(model: ForkedModel, why: string): void {
    if (!this.#models.delete(model)) return;
    const error = new EmbedlessError("EMBEDDER_FAILED", `The process that embeds texts ${why}.`);
    const [run, ...unstarted] = model.tasks;
    if (run !== undefined) this.#settle(run, (task) => task.reject(error));
    const back = unstarted.flatMap((number) => this.#tasks.get(number) ?? []);
    this.#waiting = [...back, ...this.#waiting];
    if (!model.ready) this.#withoutOne(error);
    this.#feed();
  }

  /** A model could not be loaded. Others that run may do the work. If there are none, trying again would never end. */
  #withoutOne(error: EmbedlessError): void {
    const ready = [...this.#models].filter((model) => model.ready).length;
    if (ready > 0) this.#limit = ready;
    else this.#abandon([...this.#waiting], error);
  }
}

/** Pools in use, by their model. */
const shared = new Map<string, { pool: Pool; users: number }>();

/**
 * The pool for a model, shared by all embedders of this process with the same model, so that ten open stores do not
 * hold the model ten times. `release` closes it with the last user.
 */
export function sharedPool(spec: EngineSpec, workers: number): { pool: Pool; release: () => Promise<void> } {
  const key = JSON.stringify([spec, workers]);
  const entry = shared.get(key) ?? { pool: new Pool(spec, workers), users: 0 };
  shared.set(key, entry);
  entry.users++;
  return {
    pool: entry.pool,
    release: async () => {
      if (--entry.users > 0) return;
      shared.delete(key);
      await entry.pool.close();
    },
  };
}

function closed(): EmbedlessError {
  return new EmbedlessError("CLOSED", "The embedder was closed.");
}

function deferred<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
