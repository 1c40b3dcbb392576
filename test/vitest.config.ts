import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/{unit,contract,recall,reliability}/**/*.test.ts"],
    // Only there to end what hangs: no test may depend on how fast the machine is.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    coverage: { provider: "v8", include: ["src/**", "integrations/**"], reportsDirectory: "coverage" },
  },
});
