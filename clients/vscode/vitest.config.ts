import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/unit/**/*.test.ts"],
    // Properties write many files, and a loaded machine is slow.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    alias: { vscode: new URL("./test/double/vscode.ts", import.meta.url).pathname },
    coverage: {
      include: ["src/**/*.ts"],
      reportsDirectory: "../../build/vscode/coverage",
      thresholds: { branches: 95 },
      reporter: ["text-summary", "text"],
    },
  },
});
