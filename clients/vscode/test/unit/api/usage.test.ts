import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ServiceError } from "../../../src/api/errors.ts";
import { monthEstimate, parseUsage, type Usage } from "../../../src/api/usage.ts";

const USAGE: Usage = {
  month: "2026-11",
  plan: "paid",
  count: 12,
  free: { limit: 500, used: 12, remaining: 488, resets_at: "2026-12-01T00:00:00Z" },
  credits: {
    remaining: 1200,
    packs: [{ id: "pack", purchased_at: "2026-10-02T08:00:00Z", size: 2000, remaining: 1200 }],
  },
  by_operation: { shrink: 9, derive: 2, compress: 1 },
  bytes_in: 4000,
  bytes_out: 1000,
  limits: { max_bytes: 5242880, max_pixels: 100000000, rate_per_second: 10, burst: 20, concurrency: 20 },
};

/** The usage with another value at a place such as "free.limit". */
function changed(place: string, value: unknown): unknown {
  const copy = structuredClone(USAGE) as unknown as Record<string, unknown>;
  const names = place.split(".");
  const last = names.pop() ?? "";
  let holder = copy;
  for (const name of names) holder = holder[name] as Record<string, unknown>;
  holder[last] = value;
  return copy;
}

describe("parseUsage", () => {
  test("a whole answer is the usage, with what was added to it", () => {
    const told = { ...USAGE, request_id: "r" };
    expect(parseUsage(told)).toEqual(told);
  });

  test.each([
    ["month", "November"],
    ["month", "2026-13"],
    ["month", 202611],
    ["plan", null],
    ["count", "12"],
    ["count", null],
    ["free", undefined],
    ["free", []],
    ["free.limit", undefined],
    ["free.resets_at", "soon"],
    ["free.resets_at", 0],
    ["credits.remaining", {}],
    ["credits.packs", {}],
    ["credits.packs", [{ id: "pack" }]],
    ["by_operation", null],
    ["by_operation", { shrink: "9" }],
    ["bytes_out", undefined],
    ["limits.max_bytes", "5 MB"],
  ])("an answer with %s = %j is a BadAnswer", (place, value) => {
    expect(() => parseUsage(changed(place, value))).toThrow(expect.objectContaining({ code: "BadAnswer" }) as Error);
  });

  test("any other JSON is a BadAnswer", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        expect(() => parseUsage(json)).toThrow(ServiceError);
      }),
    );
  });
});

describe("monthEstimate", () => {
  test.each([
    ["half a month", "2026-11-16T00:00:00Z", 24],
    ["a third of a month", "2026-11-11T00:00:00Z", 36],
    ["the last second", "2026-11-30T23:59:59Z", 12],
    ["the month after", "2026-12-01T00:00:00Z", 12],
    ["the month before", "2026-10-31T23:59:59Z", 12],
    ["the same month of another year", "2025-11-16T00:00:00Z", 12],
    ["the first instant, by the pace of an hour", "2026-11-01T00:00:00Z", 12 * 30 * 24],
    ["no time at all", "never", 12],
  ])("12 images after %s", (_when, now, estimate) => {
    expect(monthEstimate(USAGE, new Date(now))).toBe(estimate);
  });

  test("December ends with the year", () => {
    expect(monthEstimate({ ...USAGE, month: "2026-12", count: 10 }, new Date("2026-12-16T12:00:00Z"))).toBe(20);
  });

  test("it is a whole number, never below the count, and never rises while nothing is added", () => {
    const time = fc.date({ min: new Date("2026-10-01"), max: new Date("2026-12-31"), noInvalidDate: true });
    fc.assert(
      fc.property(fc.nat(), time, time, (count, one, other) => {
        const usage = { ...USAGE, count };
        const [first, second] = one < other ? [one, other] : [other, one];
        const before = monthEstimate(usage, first);
        expect(Number.isInteger(before)).toBe(true);
        expect(before).toBeGreaterThanOrEqual(count);
        if (first >= new Date("2026-11-01")) expect(monthEstimate(usage, second)).toBeLessThanOrEqual(before);
      }),
    );
  });
});
