import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { changeText, type Outcome, sizeText, totals } from "../../../src/run/outcome.ts";

describe("totals", () => {
  it("counts each kind, and the sizes of what was compressed only", () => {
    const outcomes: Outcome[] = [
      { kind: "compressed", path: "a", target: "a", before: "", beforeBytes: 100, afterBytes: 40 },
      { kind: "compressed", path: "b", target: "b", before: "", beforeBytes: 10, afterBytes: 20 },
      { kind: "skipped", path: "c", why: "empty" },
      { kind: "failed", path: "d", error: new Error("x") },
    ];
    expect(totals(outcomes)).toEqual({ compressed: 2, skipped: 1, failed: 1, beforeBytes: 110, afterBytes: 60 });
  });
});

describe("sizeText", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [64_260, "64.3 kB"],
    [999_949, "999.9 kB"],
    [999_950, "1.0 MB"],
    [1_000_000, "1.0 MB"],
    [5_242_880, "5.2 MB"],
  ])("%i bytes are %s", (sizeBytes, text) => {
    expect(sizeText(sizeBytes)).toBe(text);
  });

  it("is never longer than a person reads at a glance, up to a gigabyte", () => {
    fc.assert(
      fc.property(fc.nat(999_900_000), (sizeBytes) => {
        expect(sizeText(sizeBytes)).toMatch(/^\d{1,3}(\.\d)? (B|kB|MB)$/);
      }),
    );
  });
});

describe("changeText", () => {
  it.each([
    [1000, 358, "-64.2 %"],
    [1000, 1000, "0.0 %"],
    [1000, 1100, "+10.0 %"],
    [1000, 0, "-100.0 %"],
    [0, 0, "0.0 %"],
  ])("from %i to %i bytes is %s", (before, after, text) => {
    expect(changeText(before, after)).toBe(text);
  });
});
