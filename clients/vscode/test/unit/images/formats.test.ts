import fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  endingOfFormat,
  endingOfType,
  hasEnding,
  isImage,
  looksLike,
  withEnding,
} from "../../../src/images/formats.ts";

const TYPES = ["image/png", "image/jpeg", "image/webp", "image/gif", "image/avif", "image/tiff"];
const ENDINGS = ["png", "jpg", "jpeg", "webp", "gif", "avif", "tif", "tiff"];

const latin = (text: string): Uint8Array => Buffer.from(text, "latin1");

const BEGINNINGS: [type: string, what: string, bytes: Uint8Array][] = [
  ["image/png", "PNG", latin("\x89PNG\r\n\x1a\n…")],
  ["image/jpeg", "JPEG with JFIF", latin("\xff\xd8\xff\xe0\0\x10JFIF")],
  ["image/jpeg", "JPEG with EXIF", latin("\xff\xd8\xff\xe1\0\x10Exif")],
  ["image/webp", "WebP", latin("RIFF\x10\0\0\0WEBPVP8 ")],
  ["image/gif", "GIF of 1987", latin("GIF87a")],
  ["image/gif", "GIF of 1989", latin("GIF89a")],
  ["image/avif", "AVIF", latin("\0\0\0\x1cftypavif\0\0\0\0")],
  ["image/avif", "AVIF sequence", latin("\0\0\0\x1cftypavis\0\0\0\0")],
  ["image/avif", "AVIF by its second brand", latin("\0\0\0\x1cftypmif1\0\0\0\0mif1avif")],
  ["image/tiff", "TIFF, little-endian", latin("II*\0\x08\0\0\0")],
  ["image/tiff", "TIFF, big-endian", latin("MM\0*\0\0\0\x08")],
  ["image/tiff", "BigTIFF, little-endian", latin("II+\0\x08\0\0\0")],
  ["image/tiff", "BigTIFF, big-endian", latin("MM\0+\0\x08\0\0")],
];

describe("isImage", () => {
  it.each(ENDINGS)("takes .%s in small letters, capitals and both", (ending) => {
    const capital = ending.toUpperCase();
    const mixed = ending.charAt(0) + capital.slice(1);
    expect([ending, capital, mixed].map((each) => isImage(`/w/a.${each}`))).toEqual([true, true, true]);
  });

  it.each(["a.svg", "a.heic", "a.bmp", "a.png.txt", "png", "a.png/", "apng", "a.xpng", "a.png "])(
    "refuses %s",
    (path) => {
      expect(isImage(path)).toBe(false);
    },
  );
});

describe("endings", () => {
  it("has one for each type that the service writes", () => {
    expect(TYPES.map(endingOfType)).toEqual([".png", ".jpg", ".webp", ".gif", ".avif", ".tiff"]);
  });

  it("has none for another type", () => {
    expect(["image/svg+xml", "text/html", ""].map(endingOfType)).toEqual([undefined, undefined, undefined]);
  });

  it("has one for each format of the settings", () => {
    const formats = ["png", "jpeg", "webp", "gif", "avif", "tiff"];
    expect(formats.map(endingOfFormat)).toEqual(TYPES.map(endingOfType));
  });

  it("has none for keep", () => {
    expect(endingOfFormat("keep")).toBeUndefined();
  });

  it.each([
    ["a.jpeg", ".jpg"],
    ["a.JPG", ".jpg"],
    ["a.TIF", ".tiff"],
    ["a.WebP", ".webp"],
  ])("takes %s for one with %s", (path, ending) => {
    expect(hasEnding(path, ending)).toBe(true);
  });

  it.each([
    ["a.png", ".jpg"],
    ["a.webp.png", ".webp"],
    ["a", ".png"],
  ])("does not take %s for one with %s", (path, ending) => {
    expect(hasEnding(path, ending)).toBe(false);
  });

  it("changes the last ending only", () => {
    expect(withEnding("/w/a.png/b.png.JPEG", ".webp")).toBe("/w/a.png/b.png.webp");
  });

  it("gives an image's path the ending that it is then found to have, whatever the name", () => {
    const image = fc.tuple(fc.string(), fc.constantFrom(...ENDINGS)).map(([stem, ending]) => `${stem}.${ending}`);
    fc.assert(
      fc.property(image, fc.constantFrom(...TYPES), (path, type) => {
        const ending = endingOfType(type) ?? "";
        expect(hasEnding(withEnding(path, ending), ending)).toBe(true);
      }),
    );
  });
});

describe("looksLike", () => {
  it.each(BEGINNINGS)("knows %s by its first bytes: %s, and by no other type", (type, _what, bytes) => {
    expect(TYPES.filter((each) => looksLike(bytes, each))).toEqual([type]);
  });

  it.each([
    ["an error page", latin("<!DOCTYPE html><title>502</title>")],
    ["JSON", latin('{"error":"InternalServerError"}')],
    ["sound in a RIFF", latin("RIFF\x10\0\0\0WAVEfmt ")],
    ["HEIC", latin("\0\0\0\x18ftypheic\0\0\0\0heicmif1")],
    ["nothing", new Uint8Array()],
  ])("takes %s for no image", (_what, bytes) => {
    expect(TYPES.filter((each) => looksLike(bytes, each))).toEqual([]);
  });

  it("takes nothing for an image of an unknown type", () => {
    expect(looksLike(latin("\x89PNG\r\n\x1a\n"), "image/svg+xml")).toBe(false);
  });

  it("takes no part of a beginning for the whole", () => {
    for (const [type, , bytes] of BEGINNINGS) expect(looksLike(bytes.subarray(0, 2), type)).toBe(false);
  });
});
