import { describe, expect, it } from "vitest";

import { findEdits } from "../../../src/references/edits.ts";
import { mayRefer } from "../../../src/references/texts.ts";
import { toWebp } from "./workspace.ts";

const LENGTH = 1_000_000;
const renamed = toWebp(["/w/a/b/c/d/hero.jpg", "/w/public/img/hero.jpg"]);
const places = { roots: ["/w"], exists: () => false };

/** Each of these must be over in a moment: a time that grew with the square of the length would pass the runner's limit. */
const PIECES = [
  "a",
  " ",
  "\\",
  "\\\\/",
  '"',
  "'",
  '\\"',
  "`",
  "(",
  ")",
  "()",
  "[",
  "{",
  "}",
  "{{ ",
  " }}/",
  "?>",
  "<",
  "<%",
  "<img ",
  '<img "',
  '<img a="',
  "<img a='",
  "<img a={",
  "<img a=",
  "<img =",
  "<source type=",
  "/",
  "//",
  "../",
  "a/",
  "&",
  "&#",
  "&quot;",
  "%",
  "%20",
  "%E5",
  ".",
  ".jpg",
  ".jpg ",
  "x.jpg)",
  "x.jpg?",
  "x.jpg,x.png ",
  "hero.jpg",
  "hero.jpg ",
  "hero.jpg?",
  "hero.jpg)",
  "hero.jpg}",
  "hero.jpg?>",
  "hero.jpg,",
  "/img/hero.jpg?",
  "https://x/hero.jpg?",
  "= = = = = = = = = = = = x/hero.jpg ",
  "= = = = = = = = = = = = img/hero.jpg ",
  "%2E%2E%2Fhero.jpg#",
  "}/hero.jpg?",
  "<img src=hero.jpg type=image/jpeg>",
  "<img src=hero.jpg type=image/jpeg ",
];

describe("a text of a million letters is read in a moment when it repeats", () => {
  it.each(PIECES)("%j", (piece) => {
    const repeated = piece.repeat(LENGTH / piece.length);
    const text = `${repeated}"/img/hero.jpg"`;
    expect(findEdits("/w/a/b/c/d/page.html", text, renamed, places).length).toBeLessThan(LENGTH);
    expect(mayRefer(Buffer.from(text), ["hero.jpg"])).toBe(true);
  });
});

describe("a reference is found", () => {
  it("behind base64", () => {
    const base64 = Buffer.alloc(600_000, "image").toString("base64");
    const text = `a{b:url(data:image/png;base64,${base64});c:url(/img/hero.jpg)}`;
    expect(findEdits("/w/a.css", text, renamed, places)).toHaveLength(1);
  });

  it("in a minified bundle", () => {
    const code = 'e.exports=n(12);var t={a:"x.jpg",b:`y${z}`,c:/[^"\']+/g,d:function(e){return e?"/":"("}};';
    const text = `${code.repeat(5000)}a="/img/hero.jpg";${code.repeat(5000)}`;
    expect(findEdits("/w/a.js", text, renamed, places)).toHaveLength(1);
  });

  it("a hundred thousand times", () => {
    expect(findEdits("/w/a.json", '"img/hero.jpg",'.repeat(100_000), renamed, places)).toHaveLength(100_000);
  });

  it("among a hundred thousand other images of the same name", () => {
    const others = Array.from({ length: 100_000 }, (_, nth) => `"x${nth}/hero.jpg"`).join();
    expect(findEdits("/w/a.json", `[${others},"img/hero.jpg"]`, renamed, places)).toHaveLength(1);
  });
});
