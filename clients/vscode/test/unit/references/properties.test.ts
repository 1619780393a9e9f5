import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { findEdits } from "../../../src/references/edits.ts";
import { mayRefer } from "../../../src/references/texts.ts";
import { applied, reversed, toWebp } from "./workspace.ts";

const FILE = "/w/docs/page.html";
const places = { roots: ["/w"], exists: () => false };
const ENDINGS: Record<string, string> = {
  jpg: "image/jpeg",
  JPG: "image/jpeg",
  png: "image/png",
  tif: "image/tiff",
  tiff: "image/tiff",
};

const stem = fc.stringMatching(/^[a-zA-Z0-9é山]([a-zA-Z0-9 _@&'()é山%+-]{0,8}[a-zA-Z0-9)é山])?$/u);
const folder = fc.constantFrom("/w/docs", "/w/docs/img", "/w", "/w/public", "/w/src/a b", "/w/static/img");
const image = fc.record({ folder, stem, ending: fc.constantFrom(...Object.keys(ENDINGS)) });
const images = fc.uniqueArray(image, {
  minLength: 1,
  maxLength: 5,
  // Of a.jpg and a.png only one can become a.webp.
  selector: (one) => one.stem,
});

const SPELLINGS: ((path: string) => string)[] = [
  (path) => path,
  encodeURI,
  (path) => encodeURIComponent(path).replaceAll("%2F", "/"),
  (path) => path.replaceAll("/", "\\/"),
  (path) => path.replaceAll("&", "&amp;"),
  (path) => path.replace(/[ ()'&]/g, "\\$&"),
  (path) => path.replace(/[é山]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`),
];
const FROM_DOCS: Record<string, string[]> = {
  "/w/docs": ["", "./", "/"],
  "/w/docs/img": ["img/", "./img/", "/img/"],
  "/w": ["../", "/"],
  "/w/public": ["../public/", "/"],
  "/w/src/a b": ["../src/a b/", "@/a b/", "src/a b/"],
  "/w/static/img": ["/img/", "img/", "${base}/img/"],
};
/** The spelling of all but an interpolation, which is no part of the path. */
function spelled(spell: (path: string) => string, prefix: string, name: string): string {
  return prefix.startsWith("$") ? prefix + spell(name) : spell(prefix + name);
}

const AROUND: ((path: string, type: string) => string)[] = [
  (path) => `"${path}"`,
  (path) => `'${path}'`,
  (path) => `(${path})`,
  (path) => `(<${path}> "t")`,
  (path) => `url(${path}?v=3#x)`,
  (path) => ` ${path} 2x, `,
  (path) => `\n${path}\n`,
  (path) => `https://a.example/${path}`,
  (path, type) => `<source srcset="${path} 1x" type="${type}">`,
];
const filler = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.constantFrom(
    `<img src="`,
    `"`,
    "'",
    "(",
    ")",
    "`",
    "{",
    "}",
    "https://a/",
    "data:x,",
    "./",
    "other.png ",
    "\\",
    "%",
    "&",
  ),
);

/** Images, and a text that refers to some of them in some spellings with anything between. */
const site = images.chain((all) => {
  const reference = fc
    .record({
      image: fc.constantFrom(...all),
      spell: fc.constantFrom(...SPELLINGS),
      around: fc.constantFrom(...AROUND),
    })
    .chain(({ image: { folder: place, stem: name, ending }, spell, around }) =>
      fc
        .constantFrom(...(FROM_DOCS[place] ?? []))
        .map((prefix) => around(spelled(spell, prefix, `${name}.${ending}`), ENDINGS[ending] ?? "")),
    );
  return fc.record({
    renamed: fc.constant(toWebp(all.map((one) => `${one.folder}/${one.stem}.${one.ending}`))),
    text: fc.array(fc.oneof(reference, filler), { maxLength: 12 }).map((parts) => parts.join("")),
  });
});

describe("findEdits, for any text,", () => {
  it("is taken back by the reversed map", () => {
    fc.assert(
      fc.property(site, ({ renamed, text }) => {
        const after = applied(text, findEdits(FILE, text, renamed, places));
        expect(applied(after, findEdits(FILE, after, reversed(renamed), places))).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });

  it("finds nothing more the second time", () => {
    fc.assert(
      fc.property(site, ({ renamed, text }) => {
        const after = applied(text, findEdits(FILE, text, renamed, places));
        expect(findEdits(FILE, after, renamed, places)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it("gives sorted edits that never overlap", () => {
    fc.assert(
      fc.property(site, ({ renamed, text }) => {
        let end = 0;
        for (const edit of findEdits(FILE, text, renamed, places)) {
          expect(edit.start).toBeGreaterThanOrEqual(end);
          expect(edit.end).toBeGreaterThan(edit.start);
          end = edit.end;
        }
        expect(end).toBeLessThanOrEqual(text.length);
      }),
      { numRuns: 500 },
    );
  });

  it("changes only endings and media types", () => {
    const changeable = new Set([...Object.keys(ENDINGS).map((ending) => `.${ending}`), ...Object.values(ENDINGS)]);
    fc.assert(
      fc.property(site, ({ renamed, text }) => {
        for (const edit of findEdits(FILE, text, renamed, places)) {
          expect(changeable).toContain(text.slice(edit.start, edit.end));
          expect([".webp", "image/webp"]).toContain(edit.text);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("finds nothing where no name is", () => {
    const renamed = toWebp(["/w/docs/hero.jpg"]);
    const nameless = fc.array(filler, { maxLength: 20 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(nameless, (text) => {
        fc.pre(!text.includes("hero"));
        expect(findEdits(FILE, text, renamed, places)).toEqual([]);
      }),
    );
  });

  it("finds each reference between double quotes", () => {
    fc.assert(
      fc.property(images, fc.constantFrom(...SPELLINGS), fc.nat(2), (all, spell, nth) => {
        fc.pre(all.every(({ stem: name }) => !/%[0-9a-fA-F]{2}/.test(name)));
        const renamed = toWebp(all.map((one) => `${one.folder}/${one.stem}.${one.ending}`));
        const written = all.map(({ folder: place, stem: name, ending }) => {
          const prefixes = FROM_DOCS[place] ?? [];
          return `"${spelled(spell, prefixes[nth % prefixes.length] ?? "", `${name}.${ending}`)}"`;
        });
        expect(findEdits(FILE, written.join(", "), renamed, places)).toHaveLength(all.length);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("mayRefer, for any text,", () => {
  it("is true where findEdits finds something", () => {
    fc.assert(
      fc.property(site, ({ renamed, text }) => {
        fc.pre(findEdits(FILE, text, renamed, places).length > 0);
        const names = [...renamed.keys()].map((path) => path.slice(path.lastIndexOf("/") + 1));
        expect(mayRefer(Buffer.from(text), names)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});
