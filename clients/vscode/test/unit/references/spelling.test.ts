import { describe, expect, it } from "vitest";

import { readings, unescaped } from "../../../src/references/spelling.ts";

describe("unescaped", () => {
  it.each([
    [String.raw`\/a\/b`, "/a/b"],
    [String.raw`a\ b\(1\)`, "a b(1)"],
    [String.raw`\u5c71\ud83d\ude00`, "山😀"],
    ["a&amp;b&#38;c&#x26;d&#X26;e", "a&b&c&d&e"],
    ["&quot;&apos;&lt;&gt;", `"'<>`],
    ["&#128512;&#x1F600;", "😀😀"],
  ])("reads %s", (written, plain) => {
    expect(unescaped(written)).toBe(plain);
  });

  it.each([String.raw`a\nb`, "a&b", "&eacute;", "&#9999999;", "&#xffffff;", String.raw`\u12`])(
    "leaves %s",
    (written) => {
      expect(unescaped(written)).toBe(written);
    },
  );
});

describe("readings", () => {
  it("gives the decoded path first, then what else it may be", () => {
    expect(readings("a&amp;b%20c")).toEqual(["a&b c", "a&b%20c", "a&amp;b%20c"]);
  });

  it("gives a plain path once", () => {
    expect(readings("a/b.jpg")).toEqual(["a/b.jpg"]);
  });

  it("leaves percent signs that encode nothing", () => {
    expect(readings("100%/%ff%E5.jpg")).toEqual(["100%/%ff%E5.jpg"]);
  });
});
