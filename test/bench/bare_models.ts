import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { ToBareModel } from "./bare_model.js";

/** Processes that run the model on texts they know beforehand. */
export class BareModels {
  readonly #children: readonly ChildProcess[];

  private constructor(children: readonly ChildProcess[]) {
    this.#children = children;
  }

  /**
   * Deals the texts out by falling length, so that all processes have about as much to do.
   *
   * @param exactBytes See `needsExactBytes`.
   */
  static async start(processes: number, texts: readonly string[], exactBytes: boolean): Promise<BareModels> {
    const program = fileURLToPath(new URL("./bare_model.js", import.meta.url));
    const children = Array.from({ length: processes }, () =>
      fork(program, [exactBytes ? "exact" : "plain"], { execArgv: [] }),
    );
    const models = new BareModels(children);
    await models.#all();
    const byLength = texts.toSorted((a, b) => b.length - a.length);
    await models.#all((i) => ({ prepare: byLength.filter((_, j) => j % processes === i) }));
    await models.run(); // warms up
    return models;
  }

  async run(): Promise<void> {
    await this.#all(() => "run");
  }

  end(): void {
    for (const child of this.#children) child.kill();
  }

  /** Sends each process its message, if any, and waits until all have answered. */
  async #all(message?: (process: number) => ToBareModel): Promise<void> {
    await Promise.all(
      this.#children.map(async (child, i) => {
        const answered = once(child, "message");
        const ended = once(child, "exit").then(() => Promise.reject(new Error("A bare model's process ended.")));
        ended.catch(() => undefined);
        if (message) child.send(message(i));
        await Promise.race([answered, ended]);
      }),
    );
  }
}
