import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // One glob per folder: test/unit/architecture checks that each of them matches a file.
    include: [
      "test/unit/**/*.test.ts",
      "test/contract/**/*.test.ts",
      "test/recall/**/*.test.ts",
      "test/reliability/**/*.test.ts",
    ],
    // Only there to end what hangs: no test may depend on how fast the machine is.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    coverage: { provider: "v8", include: ["src/**/*.ts", "integrations/**/*.ts"], reportsDirectory: "coverage" },
  },
});
