import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";

import { BadAddress } from "../../../src/api/address.ts";
import { address, excludePatterns, settingsWish } from "../../../src/editor/settings.ts";
import { forget, memory } from "../../double/vscode.ts";

const DEFAULTS = {
  quality: "smart",
  format: "keep",
  skipIfLarger: true,
  keepOriginal: true,
  maxSizeBytes: 80 * 1024 * 1024,
  concurrency: 4,
};

beforeEach(forget);

describe("settingsWish", () => {
  it("is the defaults where nothing is set", () => {
    expect(settingsWish()).toEqual(DEFAULTS);
  });

  it("is what is set", () => {
    memory.settings = new Map<string, unknown>([
      ["quality", "lossless"],
      ["format", "avif"],
      ["skipIfLarger", false],
      ["keepOriginalOnConvert", false],
      ["maxFileSizeMB", 0.5],
      ["concurrency", 7],
    ]);
    expect(settingsWish()).toEqual({
      quality: "lossless",
      format: "avif",
      skipIfLarger: false,
      keepOriginal: false,
      maxSizeBytes: 524_288,
      concurrency: 7,
    });
  });

  it.each([null, 7, "best", [], {}, true, -1, "", Number.NaN])(
    "is the defaults where %j stands everywhere",
    (value) => {
      for (const name of ["quality", "format"]) memory.settings.set(name, value);
      if (typeof value !== "boolean") {
        for (const name of ["skipIfLarger", "keepOriginalOnConvert"]) memory.settings.set(name, value);
      }
      if (value !== 7) for (const name of ["maxFileSizeMB", "concurrency"]) memory.settings.set(name, value);
      expect(settingsWish()).toEqual(DEFAULTS);
    },
  );

  it.each([
    [0.2, 1],
    [2.5, 3],
    [1000, 16],
    [0, 4],
  ])("takes a concurrency of %d for %d", (given, taken) => {
    memory.settings.set("concurrency", given);
    expect(settingsWish().concurrency).toBe(taken);
  });
});

describe("address", () => {
  it("is without a slash at the end", () => {
    memory.settings.set("baseUrl", "https://img.example.com/");
    expect(address()).toBe("https://img.example.com");
  });

  it("throws for what is no address", () => {
    memory.settings.set("baseUrl", "img.example.com");
    expect(() => address()).toThrow(BadAddress);
  });
});

describe("excludePatterns", () => {
  it("passes over what is no text", () => {
    memory.settings.set("exclude", ["**/dist/**", 7, null]);
    expect(excludePatterns()).toEqual(["**/dist/**"]);
  });

  it("is nothing where no list stands", () => {
    memory.settings.set("exclude", "**/dist/**");
    expect(excludePatterns()).toEqual([]);
  });
});

describe("the manifest's defaults", () => {
  const manifest = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as {
    contributes: { configuration: { properties: Record<string, { default: unknown }> } };
  };
  const defaults = Object.entries(manifest.contributes.configuration.properties).map(
    ([name, property]) => [name.replace("minipic.", ""), property.default] as const,
  );

  it("are what the extension falls back to", () => {
    const fallbacks = [settingsWish(), address()];
    for (const [name, value] of defaults) memory.settings.set(name, value);
    expect([settingsWish(), address()]).toEqual(fallbacks);
  });

  it("leave out what builds write", () => {
    expect(new Map<string, unknown>(defaults).get("exclude")).toEqual([
      "**/dist/**",
      "**/build/**",
      "**/out/**",
      "**/vendor/**",
      "**/coverage/**",
      "**/.next/**",
      "**/.nuxt/**",
      "**/.output/**",
      "**/.svelte-kit/**",
      "**/.astro/**",
      "**/.cache/**",
      "**/.parcel-cache/**",
    ]);
  });
});
