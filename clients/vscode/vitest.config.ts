import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/unit/**/*.test.ts"],
    alias: { vscode: new URL("./test/double/vscode.ts", import.meta.url).pathname },
    coverage: {
      include: ["src/**/*.ts"],
      reporter: ["text-summary", "text"],
    },
  },
});
