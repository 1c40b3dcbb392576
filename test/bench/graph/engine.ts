/** A way to find the nearest of the passages' vectors: one index of one library, built and ready. */
export interface Engine {
  /** Library and how it was compiled, such as `hnswlib-node -march=native`. */
  readonly engine: string;
  /** What was built, such as `hnsw M=16 float32`. */
  readonly index: string;
  readonly build: Build;
  /** Bytes a vector, the vector included. */
  readonly bytesPerVector: number;
  /**
   * Prepares queries in the form that the library takes, outside of the timing.
   *
   * @returns For a window (ef) the search that answers query i with its 10 nearest nodes, on the calling thread.
   */
  prepare(queries: readonly Float32Array[]): (window: number) => (i: number) => ArrayLike<number | bigint>;
}

/** From vectors to an index ready for searches. */
export interface Build {
  readonly seconds: number;
  /** Of processor time, all threads together. */
  readonly cpuSeconds: number;
}

/** Neighbors that every engine is asked for. */
export const K = 10;

/** What `work` gives, and what it took. */
export async function timed<T>(work: () => T | Promise<T>): Promise<{ result: T; build: Build }> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const result = await work();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { result, build: { seconds, cpuSeconds: (user + system) / 1e6 } };
}
