import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// One window at a time: the settings are shared, and two editors at once are slow enough to confuse a test.
export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  test: {
    include: ["test/editor/**/*.test.ts"],
    exclude: ["test/editor/host/**"],
    globalSetup: ["test/editor/setup.ts"],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    reporters: ["verbose"],
  },
});
