import { defineConfig } from "vitest/config";

/** The contract suite alone, run against one store (see compare_subject.ts). */
export default defineConfig({
  test: { include: ["test/contract/compare_subject.ts"], testTimeout: 30_000, hookTimeout: 30_000, maxWorkers: 1 },
});
