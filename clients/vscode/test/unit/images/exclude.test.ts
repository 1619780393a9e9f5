import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { exclusion } from "../../../src/images/exclude.ts";

const excluded = (pattern: string, path: string): boolean => exclusion([pattern])(path);

describe("exclusion", () => {
  it.each([
    ["**/dist/**", "dist/a.png"],
    ["**/dist/**", "x/dist/y/a.png"],
    ["img/*.png", "img/a.png"],
    ["**/*.{gif,GIF}", "x/a.GIF"],
    ["**", "a.png"],
    ["**/.cache/**", "x/.cache/a.png"],
    ["img/**", "img/.hidden/a.png"],
  ])("%s leaves out %s", (pattern, path) => {
    expect(excluded(pattern, path)).toBe(true);
  });

  it.each([
    ["**/dist/**", "distance/a.png"],
    ["img/*.png", "img/x/a.png"],
    ["dist/**", "x/dist/a.png"],
  ])("%s keeps %s", (pattern, path) => {
    expect(excluded(pattern, path)).toBe(false);
  });

  it.each(["node_modules/a.png", "x/node_modules/y/a.png", ".git/a.png", "x/.git/a.png"])(
    "leaves out %s without a pattern",
    (path) => {
      expect(exclusion([])(path)).toBe(true);
    },
  );

  it.each(["my_node_modules/a.png", ".github/a.png", "a.git/a.png"])("keeps %s without a pattern", (path) => {
    expect(exclusion([])(path)).toBe(false);
  });

  it("passes over a pattern that cannot be read, and heeds the others", () => {
    const isExcluded = exclusion(["", "x".repeat(70_000), "a/**"]);
    expect([isExcluded("a/b.png"), isExcluded("b/b.png")]).toEqual([true, false]);
  });
});

describe("a folder that is left out", () => {
  it.each([
    ["**/dist/**", "dist"],
    ["**/dist/**", "x/dist"],
    ["**/dist", "x/dist/y"],
    ["dist/", "dist"],
    ["**/{dist,build}/**", "build"],
    ["!(src)", "img"],
  ])("by %s: %s", (pattern, folder) => {
    expect(excluded(pattern, folder)).toBe(true);
  });

  it.each([
    ["dist/*", "dist"],
    ["**/*.png", "dist"],
    ["!**/*.png", "img"],
    ["!keep/**", "img"],
  ])("is not, by %s: %s", (pattern, folder) => {
    expect(excluded(pattern, folder)).toBe(false);
  });

  it("takes all that is in it along", () => {
    const part = fc.constantFrom("a", "b", "ab", "dist", ".x", "a.png", "A", "*", "é", "a b");
    const token = fc.oneof(
      { weight: 4, arbitrary: part },
      fc.constantFrom(
        "**",
        "*",
        "?",
        "a*",
        "*.png",
        "!(a)",
        "!(*.png)",
        "@(a|b)",
        "+(a)",
        "*(a|b)",
        "{a,b}",
        "{a,b/c}",
      ),
      fc.constantFrom(
        "[ab]",
        "[!a]",
        "[^g]*",
        "{a",
        "b}",
        "(a",
        "a)",
        "[",
        "\\*",
        ".",
        "..",
        "!",
        "",
        "{1..3}",
        "(a|b)",
      ),
    );
    const pattern = fc
      .tuple(fc.constantFrom("", "", "!", "/", "./"), fc.array(token, { minLength: 1, maxLength: 4 }), fc.boolean())
      .map(([start, tokens, isAll]) => start + [...tokens, ...(isAll ? ["**"] : [])].join("/"));
    const path = fc.array(part, { minLength: 2, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(pattern, { minLength: 1, maxLength: 3 }), path, (patterns, parts) => {
        const isExcluded = exclusion(patterns);
        for (let depth = 1; depth < parts.length; depth += 1) {
          if (isExcluded(parts.slice(0, depth).join("/"))) {
            expect(isExcluded(parts.join("/"))).toBe(true);
          }
        }
      }),
      { numRuns: 5000 },
    );
  });
});
