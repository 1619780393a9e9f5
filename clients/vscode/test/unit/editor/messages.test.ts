import { beforeEach, describe, expect, it } from "vitest";

import { BadAddress, BadKey } from "../../../src/api/address.ts";
import { serviceError, ServiceError, Unreachable } from "../../../src/api/errors.ts";
import { errorText, outcomeLine, summary } from "../../../src/editor/messages.ts";
import type { Outcome, Reason, Report } from "../../../src/run/outcome.ts";
import { forget, memory, Uri } from "../../double/vscode.ts";
import { KEY } from "../api/server.ts";

const DONE: Outcome = {
  kind: "compressed",
  path: "/w/img/a.png",
  target: "/w/img/a.png",
  before: "",
  beforeBytes: 10_000,
  afterBytes: 3_580,
};
const SKIPPED: Outcome = { kind: "skipped", path: "/w/b.png", why: "empty" };
const FAILED: Outcome = { kind: "failed", path: "/w/c.png", error: new Error("the disk is full") };
const report = (outcomes: readonly Outcome[], rest: Partial<Report> = {}): Report => ({
  outcomes,
  leftOver: 0,
  isStopped: false,
  ...rest,
});

beforeEach(() => {
  forget();
  memory.folders = [{ uri: Uri.file("/w") }];
});

describe("outcomeLine", () => {
  it("tells both sizes and the change", () => {
    expect(outcomeLine(DONE)).toBe("img/a.png: 10.0 kB → 3.6 kB (-64.2 %)");
  });

  it("names the new file", () => {
    expect(outcomeLine({ ...DONE, target: "/w/img/a.webp" })).toBe("img/a.png → a.webp: 10.0 kB → 3.6 kB (-64.2 %)");
  });

  it("tells why a file failed", () => {
    expect(outcomeLine(FAILED)).toBe("c.png: failed, the disk is full");
  });

  const reasons: Record<Reason, string> = {
    tooLarge: "it is larger than minipic.maxFileSizeMB",
    empty: "it is empty",
    notSmaller: "the result would not be smaller",
    targetExists: "a file with the result's name lies there",
    changedMeanwhile: "it was changed meanwhile",
    alreadyDone: "it is compressed already",
    readOnly: "it is read-only",
    inWork: "it is in work already",
    gone: "it is gone",
    ended: "stopped while the service worked on it",
  };
  it.each(Object.entries(reasons) as [Reason, string][])("tells that a file was skipped: %s", (why, text) => {
    expect(outcomeLine({ kind: "skipped", path: "/w/b.png", why })).toBe(`b.png: skipped, ${text}`);
  });
});

describe("summary", () => {
  it("of a good run is its count and sizes", () => {
    expect(summary(report([DONE, DONE]))).toBe("MiniPic: 2 compressed, 20.0 kB → 7.2 kB (-64.2 %).");
  });

  it("says that no image was changed", () => {
    expect(summary(report([SKIPPED]))).toBe("MiniPic: no image was changed, 1 skipped.");
  });

  it("counts what was skipped and what failed", () => {
    expect(summary(report([DONE, SKIPPED, SKIPPED, FAILED]))).toMatch(/\), 2 skipped, 1 failed\.$/);
  });

  it("says that it was stopped, and what was not begun", () => {
    const text = summary(report([DONE], { leftOver: 3, isStopped: true }));
    expect(text).toMatch(/^MiniPic: stopped: 1 compressed.*, 3 not begun\.$/);
  });

  it("says why a run ended", () => {
    const fatal = new ServiceError(401, "Unauthorized", "This key is not valid.");
    const outcomes: Outcome[] = [{ kind: "failed", path: "/w/a", error: fatal }];
    expect(summary(report(outcomes, { leftOver: 2, fatal }))).toBe(
      "MiniPic: no image was changed, 1 failed, 2 not begun. This key is not valid.",
    );
  });
});

describe("errorText", () => {
  it.each([
    [new BadAddress("x"), /minipic\.baseUrl must be an address/],
    [new BadKey("x"), /cannot be a key/],
    [new Unreachable("The service at a does not answer."), /^The service at a does not answer\.$/],
    [new ServiceError(500, "X", "Sorry.", { requestId: "r-1" }), /^Sorry\. \(request r-1\)$/],
    [new ServiceError(500, "X", "Sorry."), /^Sorry\.$/],
    [new DOMException("x", "TimeoutError"), /^The service does not answer\.$/],
    ["text", /^text$/],
  ])("says %s in words", (error, text) => {
    expect(errorText(error)).toMatch(text);
  });

  it("never tells a key, even where the service repeats it", () => {
    const body = Buffer.from(JSON.stringify({ error: "Unauthorized", message: `No: ${KEY}`, request_id: KEY }));
    const error = serviceError(401, body, KEY);
    const texts = [errorText(error), summary(report([], { fatal: error })), outcomeLine({ ...FAILED, error })];
    expect(texts.filter((text) => text.includes(KEY))).toEqual([]);
  });
});
