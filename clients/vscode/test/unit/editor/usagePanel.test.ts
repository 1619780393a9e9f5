import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";

import { page, viewUsage } from "../../../src/editor/usagePanel.ts";
import { memory } from "../../double/vscode.ts";
import { newStage, type Stage, USAGE } from "./stage.ts";

const NOW = new Date("2026-11-16T00:00:00Z");
const SERVICE = "https://img.example.com";
let stage: Stage;

beforeEach(async () => {
  stage = await newStage();
});

/** The value beside a name in the page's table. */
function valueOf(html: string, name: string): string | undefined {
  const cells = [...html.matchAll(/<th scope="row">(.*?)<\/th><td>(.*?)<\/td>/g)];
  return cells.find(([, each]) => each === name)?.[2];
}

describe("page", () => {
  it.each([
    ["Compressed this month", "1234"],
    ["Free images left", "68 of 500"],
    ["Free images come again", "December 1, 2026"],
    ["Credits left", "1201"],
    ["Estimate for the whole month", "2468"],
    ["By operation", "compress 1230, shrink 4"],
    ["Sent and received", "5.4 MB → 2.1 MB"],
    ["Plan", "free"],
    ["Service", SERVICE],
  ])("tells %s as %s", (name, value) => {
    expect(valueOf(page(USAGE, SERVICE, NOW), name)).toBe(value);
  });

  it("has the numbers of the service verbatim, whatever they are", () => {
    const numbers = fc.record({
      count: fc.nat(),
      used: fc.nat(),
      limit: fc.nat(),
      remaining: fc.nat(),
      credits: fc.nat(),
    });
    fc.assert(
      fc.property(numbers, ({ count, used, limit, remaining, credits }) => {
        const free = { ...USAGE.free, used, limit, remaining };
        const html = page({ ...USAGE, count, free, credits: { remaining: credits, packs: [] } }, SERVICE, NOW);
        expect(valueOf(html, "Compressed this month")).toBe(String(count));
        expect(valueOf(html, "Free images left")).toBe(`${remaining} of ${limit}`);
        expect(valueOf(html, "Credits left")).toBe(String(credits));
        expect(html).toContain(`<meter min="0" max="${limit}" value="${used}">`);
      }),
    );
  });

  it("shows a dash where nothing was done yet, and a date that is none as it came", () => {
    const html = page({ ...USAGE, by_operation: {}, free: { ...USAGE.free, resets_at: "soon" } }, SERVICE, NOW);
    expect([valueOf(html, "By operation"), valueOf(html, "Free images come again")]).toEqual(["–", "soon"]);
  });

  it("takes no text of the service for markup, whatever it is", () => {
    const evil = fc.oneof(
      fc.string(),
      fc.constantFrom("<script>alert(1)</script>", `"><img src=x onerror=y>`, "'&<>\""),
    );
    const tags = (html: string): string[] => html.match(/<\/?\w+/g) ?? [];
    const plain = tags(page({ ...USAGE, by_operation: { a: 1 } }, SERVICE, NOW));
    fc.assert(
      fc.property(evil, (text) => {
        const usage = { ...USAGE, month: text, plan: text, by_operation: { [text]: 1 } };
        const html = page({ ...usage, free: { ...USAGE.free, resets_at: text } }, text, NOW);
        expect(tags(html)).toEqual(plain);
      }),
    );
  });

  it("runs no script and loads nothing", () => {
    const html = page(USAGE, SERVICE, NOW);
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1];
    expect(policy).toMatch(/^default-src 'none'; style-src 'nonce-[\w-]+'$/);
    expect(html).not.toMatch(/<script|src=|href=|url\(|\son\w+=/);
  });

  it("lets its own style in, by a number used once", () => {
    const nonceOf = (html: string): string | undefined => /<style nonce="([^"]+)">/.exec(html)?.[1];
    const [one, other] = [page(USAGE, SERVICE, NOW), page(USAGE, SERVICE, NOW)];
    expect(one).toContain(`'nonce-${nonceOf(one) ?? ""}'`);
    expect(nonceOf(one)).not.toBe(nonceOf(other));
  });
});

describe("viewUsage", () => {
  it("shows one panel, with the numbers of now, however often it is asked for", async () => {
    await viewUsage(stage.services);
    await viewUsage(stage.services);
    const [panel] = memory.panels;
    expect([memory.panels.length, panel?.revealed, stage.server.seen.length]).toEqual([1, 2, 2]);
    expect(valueOf(panel?.webview.html ?? "", "Service")).toBe(stage.server.url);
    panel?.dispose.fire(undefined);
  });

  it("opens a new panel after the last was closed", async () => {
    await viewUsage(stage.services);
    memory.panels[0]?.dispose.fire(undefined);
    await viewUsage(stage.services);
    expect(memory.panels).toHaveLength(2);
    memory.panels[1]?.dispose.fire(undefined);
  });

  it("never shows the key", async () => {
    await viewUsage(stage.services);
    expect(memory.panels[0]?.webview.html).not.toContain("mp_live_");
    memory.panels[0]?.dispose.fire(undefined);
  });
});
