import type { Database } from "../storage/database.js";

/** Keeps something in memory in step with the file: loads it anew after a commit of anybody, once for all who wait. */
export class Follower {
  readonly #database: Database;
  readonly #load: () => Promise<boolean>;
  #dataVersion: number | undefined;
  #loading: Promise<void> | undefined;

  /** @param load Brings it up to a commit no older than the call; `false` if that has to be tried once more. */
  constructor(database: Database, load: () => Promise<boolean>) {
    this.#database = database;
    this.#load = load;
  }

  /** Costs microseconds when nothing was written. Throws what loading throws. */
  async catchUp(): Promise<void> {
    while (this.#database.dataVersion() !== this.#dataVersion) {
      this.#loading ??= this.#reload().finally(() => {
        this.#loading = undefined;
      });
      await this.#loading;
    }
  }

  async #reload(): Promise<void> {
    const dataVersion = this.#database.dataVersion();
    if (await this.#load()) this.#dataVersion = dataVersion;
  }
}
