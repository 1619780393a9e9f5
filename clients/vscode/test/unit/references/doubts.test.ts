import { describe, expect, it } from "vitest";

import { findDoubts } from "../../../src/references/doubts.ts";
import { toWebp } from "./workspace.ts";
import type { Workspace } from "./workspace.ts";

const HERO: Workspace = { images: ["/w/app/static/img/hero.jpg"] };

function doubts(
  text: string,
  { images, files = [], roots = ["/w"] }: Workspace = HERO,
  file = "/w/page.html",
): string[] {
  const taken = new Set([...images, ...files]);
  return [...findDoubts(file, text, toWebp(images), { roots, exists: (path) => taken.has(path) })];
}

describe("a mention that may mean an image is doubtful", () => {
  it.each([
    ["a path that a framework follows", `{% static 'img/hero.jpg' %}`],
    ["the site's own address", `<meta property="og:image" content="https://example.com/img/hero.jpg">`],
    ["an address without a scheme", `src="//cdn.example.com/hero.jpg?v=2"`],
    ["a path of Windows", String.raw`<Content Include="static\img\hero.jpg" />`],
    ["a path of Windows in a string", String.raw`"static\\img\\hero.jpg"`],
    ["a bare name", "shown is hero.jpg, at noon"],
    ["percent-encoded", "x/h%65ro.jpg"],
  ])("%s", (_, text) => {
    expect(doubts(text)).toEqual(["hero.jpg"]);
  });
});

it("a path that would mean another image by its new ending is doubtful", () => {
  expect(doubts("x a.png", { images: ["/w/a.png", "/w/x a.jpg"] })).toEqual(["a.png"]);
});

describe("nothing is doubtful about", () => {
  it.each([
    ["a path that leads to the image", `src="app/static/img/hero.jpg"`],
    ["a longer name", `"superhero.jpg" "hero.jpg.bak" "hero.jpg~" "my-hero.jpg" "x/_hero.jpg"`],
    ["another ending", `"img/hero.png" "img/hero.webp"`],
    ["another image", `"img/logo.jpg"`],
  ])("%s", (_, text) => {
    expect(doubts(text)).toEqual([]);
  });

  it("a path that leads to another file of the same name", () => {
    expect(doubts(`src="other/hero.jpg"`, { ...HERO, files: ["/w/other/hero.jpg"] })).toEqual([]);
  });
});

it("each image is doubtful once, however many mentions it has", () => {
  const images = ["/w/a/hero.jpg", "/w/a/logo.png", "/w/a/icon.png"];
  const text = "x/hero.jpg y/logo.png a/icon.png z/hero.jpg";
  expect(doubts(text, { images })).toEqual(["hero.jpg", "logo.png"]);
});
