import { describe, expect, it } from "vitest";

import { findEdits } from "../../../src/references/edits.ts";
import { applied, reversed, toWebp, updated } from "./workspace.ts";

const ENDINGS = [
  ["png", "image/png"],
  ["jpg", "image/jpeg"],
  ["jpeg", "image/jpeg"],
  ["JPG", "image/jpeg"],
  ["gif", "image/gif"],
  ["avif", "image/avif"],
  ["tif", "image/tiff"],
  ["tiff", "image/tiff"],
];
const images = ["/w/a.jpg", "/w/b.png", "/w/c.svg"];

describe("the type of a tag", () => {
  it.each(ENDINGS)("follows .%s", (ending, type) => {
    const text = `<source srcset="x.${ending}" type="${type}">`;
    const after = `<source srcset="x.webp" type="image/webp">`;
    expect(updated("/w/i.html", text, { images: [`/w/x.${ending}`] })).toBe(after);
  });

  it.each(ENDINGS)("follows back to .%s", (ending, type) => {
    const text = `<source srcset="x.webp" type="image/webp">`;
    const back = reversed(toWebp([`/w/x.${ending}`]));
    const edits = findEdits("/w/i.html", text, back, { roots: ["/w"], exists: () => false });
    expect(applied(text, edits)).toBe(`<source srcset="x.${ending}" type="${type}">`);
  });

  it.each([
    ["in front of the path", `<source type="image/jpeg" srcset="a.jpg">`],
    ["in single quotes", `<link rel=icon type='image/jpeg' href='a.jpg'>`],
    ["without quotes", `<object type=image/jpeg data=a.jpg></object>`],
    ["in capitals", `<EMBED TYPE="image/jpeg" SRC="a.jpg">`],
    ["in a closed tag", `<img src="a.jpg" type="image/jpeg"/>`],
    ["behind an expression", `<source onLoad={() => { go(); }} srcSet={"a.jpg"} type="image/jpeg" />`],
    ["over lines", `<source\n  srcset="a.jpg 1x,\n  a.jpg 2x"\n  type="image/jpeg"\n>`],
    ["in a string", String.raw`"<source srcset=\"a.jpg\" type=\"image/jpeg\">"`],
    ["behind a sign of more in a value", `<source media="(width>9px)" srcset="a.jpg" type="image/jpeg">`],
    ["behind an attribute without a value", `<source hidden srcset="a.jpg" type="image/jpeg">`],
  ])("is changed %s", (_, text) => {
    const after = text.replaceAll("a.jpg", "a.webp").replace("image/jpeg", "image/webp");
    expect(updated("/w/i.html", text, { images })).toBe(after);
  });

  it.each([
    ["of a tag whose path stays", `<source srcset="z.jpg" type="image/jpeg"><img src="a.jpg">`],
    ["of a tag before", `<source srcset="z.jpg" type="image/jpeg">a.jpg`],
    ["of a tag behind", `a.jpg<source srcset="z.jpg" type="image/jpeg">`],
    ["of another kind", `<source srcset="a.jpg" type="image/png">`],
    ["of another tag", `<input src="a.jpg" type="image/jpeg"><sources src="a.jpg" type="image/jpeg">`],
    ["that is an expression", `<source srcset="a.jpg" type={"image/jpeg"}>`],
    ["in a tag that never ends", `<source srcset="a.jpg" title="x type=image/jpeg`],
    ["behind an expression that never ends", `<source srcset="a.jpg" x={ type="image/jpeg">`],
    ["that has no known ending", `<source srcset="c.svg" type="image/svg+xml">`],
    ["written twice", `<source srcset="a.jpg" type="" type="image/jpeg">`],
  ])("stays %s", (_, text) => {
    const after = text.replaceAll("a.jpg", "a.webp").replaceAll("c.svg", "c.webp");
    expect(updated("/w/i.html", text, { images })).toBe(after);
  });

  it("follows the image of its own kind among several", () => {
    const text = `<source srcset="b.png, a.jpg" type="image/jpeg">`;
    expect(updated("/w/i.html", text, { images })).toBe(`<source srcset="b.webp, a.webp" type="image/webp">`);
  });

  it("is changed in each tag for itself", () => {
    const text = `<source srcset="a.jpg" type="image/jpeg"><source srcset="b.png" type="image/png">`;
    const after = `<source srcset="a.webp" type="image/webp"><source srcset="b.webp" type="image/webp">`;
    expect(updated("/w/i.html", text, { images })).toBe(after);
  });

  it("stays when the new ending has the same type", () => {
    const text = `<source srcset="a.jpg" type="image/jpeg">`;
    const renamed = new Map([["/w/a.jpg", "/w/a.jpeg"]]);
    const edits = findEdits("/w/i.html", text, renamed, { roots: ["/w"], exists: () => false });
    expect(edits.map((edit) => edit.text)).toEqual([".jpeg"]);
  });
});
