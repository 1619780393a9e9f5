import { describe, expect, it } from "vitest";

import { applied, reversed, toWebp, updated } from "./workspace.ts";
import { findEdits } from "../../../src/references/edits.ts";

const IMAGES = [
  "hero.jpg",
  "hero@2x.jpg",
  "my hero.jpg",
  "hero (1).jpg",
  "it's.jpg",
  "a&b.jpg",
  "100%.jpg",
  "山.jpg",
  "😀.png",
  "scan.tiff",
  "HERO.JPG",
  "img/hero.jpg",
  "img/my hero.jpg",
  "my photos/hero.jpg",
  "photos (old)/hero.jpg",
  "[id]/hero.jpg",
].map((path) => `/w/${path}`);

type Case = [language: string, before: string, after: string];

const CHANGED: Case[] = [
  ["HTML, double quotes", `<img src="hero.jpg">`, `<img src="hero.webp">`],
  ["HTML, single quotes", `<img src='./hero.jpg'>`, `<img src='./hero.webp'>`],
  ["HTML, no quotes", `<img src=img/hero.jpg alt=x>`, `<img src=img/hero.webp alt=x>`],
  ["HTML, no quotes at the end", `<a href=hero.jpg>x</a>`, `<a href=hero.webp>x</a>`],
  ["HTML, spaces around =", `<img src = "hero.jpg" />`, `<img src = "hero.webp" />`],
  ["HTML, space in the name", `<img src="my hero.jpg">`, `<img src="my hero.webp">`],
  ["HTML, space in a folder", `<img src="my photos/hero.jpg">`, `<img src="my photos/hero.webp">`],
  ["HTML, bracket in a folder", `<img src="photos (old)/hero.jpg">`, `<img src="photos (old)/hero.webp">`],
  ["HTML, apostrophe in the name", `<img src="it's.jpg">`, `<img src="it's.webp">`],
  ["HTML, &amp;", `<img src="a&amp;b.jpg">`, `<img src="a&amp;b.webp">`],
  ["HTML, decimal reference", `<img src="a&#38;b.jpg">`, `<img src="a&#38;b.webp">`],
  ["HTML, hexadecimal reference", `<img src="a&#x26;b.jpg">`, `<img src="a&#x26;b.webp">`],
  ["HTML, bare ampersand", `<img src="a&b.jpg">`, `<img src="a&b.webp">`],
  ["HTML, comment", `<!-- hero.jpg-->`, `<!-- hero.webp-->`],
  [
    "HTML, JSON in an attribute",
    `<b data-x="{&quot;a&quot;:&quot;hero.jpg&quot;}">`,
    `<b data-x="{&quot;a&quot;:&quot;hero.webp&quot;}">`,
  ],
  [
    "HTML, an address before in JSON in an attribute",
    `<b x="&quot;https://a/&quot;,&quot;hero.jpg&quot;">`,
    `<b x="&quot;https://a/&quot;,&quot;hero.webp&quot;">`,
  ],
  ["srcset", `<img srcset="hero.jpg 1x, hero@2x.jpg 2x">`, `<img srcset="hero.webp 1x, hero@2x.webp 2x">`],
  [
    "srcset without spaces",
    `<img srcset="hero.jpg 1x,img/hero.jpg 2x">`,
    `<img srcset="hero.webp 1x,img/hero.webp 2x">`,
  ],
  [
    "srcset over lines",
    `<img srcset="\n\thero.jpg 300w,\r\n\thero@2x.jpg 600w\n">`,
    `<img srcset="\n\thero.webp 300w,\r\n\thero@2x.webp 600w\n">`,
  ],
  [
    "srcset behind an address",
    `<img srcset="https://a.example/b.jpg 1x, hero.jpg 2x">`,
    `<img srcset="https://a.example/b.jpg 1x, hero.webp 2x">`,
  ],
  ["query", `<img src="hero.jpg?v=3">`, `<img src="hero.webp?v=3">`],
  ["fragment", `<img src="hero.jpg#x">`, `<img src="hero.webp#x">`],
  ["query behind a name with a space", `<img src="my hero.jpg?v=3">`, `<img src="my hero.webp?v=3">`],
  ["percent-encoded space", `<img src="my%20hero.jpg">`, `<img src="my%20hero.webp">`],
  ["percent-encoded letters", `<img src="%E5%B1%B1.jpg">`, `<img src="%E5%B1%B1.webp">`],
  ["percent sign in a name", `<img src="100%.jpg">`, `<img src="100%.webp">`],
  ["percent sign encoded", `<img src="100%25.jpg">`, `<img src="100%25.webp">`],
  [
    "encoded path in a query",
    `<img src="/_next/image?url=%2Fimg%2Fhero.jpg&w=64">`,
    `<img src="/_next/image?url=%2Fimg%2Fhero.webp&w=64">`,
  ],
  [
    "encoded path with an encoded query",
    `<a href="?u=%2Fimg%2Fhero.jpg%3fv=1">`,
    `<a href="?u=%2Fimg%2Fhero.webp%3fv=1">`,
  ],
  ["unquoted attribute with a prefix", `<image xlink:href=img/hero.jpg />`, `<image xlink:href=img/hero.webp />`],
  ["Vue, bound", `<img :src="require('./hero.jpg')">`, `<img :src="require('./hero.webp')">`],
  ["Vue, template literal", '<img :src="`/img/hero.jpg`">', '<img :src="`/img/hero.webp`">'],
  ["JSX", `<img src={"img/hero.jpg"} />`, `<img src={"img/hero.webp"} />`],
  ["CSS url", `a{background:url(hero.jpg)}`, `a{background:url(hero.webp)}`],
  ["CSS url, spaces inside", `a{background:url( hero.jpg )}`, `a{background:url( hero.webp )}`],
  ["CSS url, quotes", `a { background: url("img/hero.jpg") }`, `a { background: url("img/hero.webp") }`],
  ["CSS url, escapes", String.raw`a{background:url(hero\ \(1\).jpg)}`, String.raw`a{background:url(hero\ \(1\).webp)}`],
  [
    "CSS url behind an address",
    `a{b:url(https://a.example/b.jpg),url(hero.jpg)}`,
    `a{b:url(https://a.example/b.jpg),url(hero.webp)}`,
  ],
  ["CSS image-set", `image-set("hero.jpg" 1x, url(hero@2x.jpg) 2x)`, `image-set("hero.webp" 1x, url(hero@2x.webp) 2x)`],
  ["CSS import", `@import "hero.jpg";`, `@import "hero.webp";`],
  ["CSS in an attribute", `<p style="background: url('hero.jpg')">`, `<p style="background: url('hero.webp')">`],
  [
    "CSS in an attribute, bare",
    `<p style="background: url(my%20hero.jpg)">`,
    `<p style="background: url(my%20hero.webp)">`,
  ],
  ["Markdown image", `![hero](hero.jpg)`, `![hero](hero.webp)`],
  ["Markdown image with a title", `![hero](img/hero.jpg "Hero")`, `![hero](img/hero.webp "Hero")`],
  ["Markdown link", `See [it](./img/hero.jpg).`, `See [it](./img/hero.webp).`],
  ["Markdown, brackets in the name", `![](hero%20(1).jpg)`, `![](hero%20(1).webp)`],
  ["Markdown, escaped brackets", String.raw`![](<hero \(1\).jpg>)`, String.raw`![](<hero \(1\).webp>)`],
  ["Markdown, angle brackets", `![](<my hero.jpg>)`, `![](<my hero.webp>)`],
  ["Markdown, space in a folder", `![](<./img/my hero.jpg>)`, `![](<./img/my hero.webp>)`],
  ["Markdown, brackets without <>", `![](<photos (old)/hero.jpg>)`, `![](<photos (old)/hero.webp>)`],
  ["Markdown, definition", `[hero]: img/hero.jpg "Hero"`, `[hero]: img/hero.webp "Hero"`],
  ["Markdown, definition without a space", `[hero]:img/hero.jpg`, `[hero]:img/hero.webp`],
  ["Markdown, linked image", `[![a](hero.jpg)](img/hero.jpg)`, `[![a](hero.webp)](img/hero.webp)`],
  ["Markdown, code", "Open `img/hero.jpg`.", "Open `img/hero.webp`."],
  ["Markdown, end of a sentence", `This is hero.jpg.`, `This is hero.webp.`],
  ["Markdown, behind an address", `[a](https://a.example/) and hero.jpg`, `[a](https://a.example/) and hero.webp`],
  ["Markdown, table", `|hero.jpg|https://a.example|hero.jpg|`, `|hero.webp|https://a.example|hero.webp|`],
  ["Markdown, wiki link", `![[hero.jpg|300]]`, `![[hero.webp|300]]`],
  ["Markdown, Chinese marks", `见“hero.jpg”。`, `见“hero.webp”。`],
  ["AsciiDoc", `image::img/hero.jpg[Hero]`, `image::img/hero.webp[Hero]`],
  ["JavaScript import", `import hero from './img/hero.jpg';`, `import hero from './img/hero.webp';`],
  ["JavaScript import with a query", `import hero from "./hero.jpg?url";`, `import hero from "./hero.webp?url";`],
  ["webpack loader", `require("!file!./hero.jpg")`, `require("!file!./hero.webp")`],
  ["JavaScript, escaped quotes", String.raw`"<img src=\"img/hero.jpg\">"`, String.raw`"<img src=\"img/hero.webp\">"`],
  ["JavaScript, escaped apostrophe", String.raw`'it\'s.jpg'`, String.raw`'it\'s.webp'`],
  ["JavaScript, concatenation", `base + "/img/hero.jpg"`, `base + "/img/hero.webp"`],
  ["JavaScript, prose in a string", `"convert hero.jpg please"`, `"convert hero.webp please"`],
  [
    "JavaScript, minified",
    `a={b:"https://a.example/",c:"hero.jpg",d:'img/hero.jpg'}`,
    `a={b:"https://a.example/",c:"hero.webp",d:'img/hero.webp'}`,
  ],
  ["JavaScript, two strings", `["hero.jpg","hero@2x.jpg"]`, `["hero.webp","hero@2x.webp"]`],
  ["route folder", `import "./[id]/hero.jpg"`, `import "./[id]/hero.webp"`],
  ["Python", `Image.open(r"img/hero.jpg")`, `Image.open(r"img/hero.webp")`],
  ["Python, f-string", `f"{BASE}/img/hero.jpg"`, `f"{BASE}/img/hero.webp"`],
  ["PHP", `<?php echo '<img src="' . $b . '/img/hero.jpg">';`, `<?php echo '<img src="' . $b . '/img/hero.webp">';`],
  ["PHP, variable in a string", `"$base/img/hero.jpg"`, `"$base/img/hero.webp"`],
  ["JSON", `{"hero": "img/hero.jpg"}`, `{"hero": "img/hero.webp"}`],
  ["JSON, escaped slashes", String.raw`{"hero":"\/img\/hero.jpg"}`, String.raw`{"hero":"\/img\/hero.webp"}`],
  [
    "JSON, escaped letters",
    String.raw`{"a":"\u5c71.jpg","b":"\ud83d\ude00.png"}`,
    String.raw`{"a":"\u5c71.webp","b":"\ud83d\ude00.webp"}`,
  ],
  ["YAML", `cover: hero.jpg`, `cover: hero.webp`],
  ["YAML, space in the name", `cover: my hero.jpg # x`, `cover: my hero.webp # x`],
  ["YAML, list", `- hero.jpg\n- /img/hero.jpg\n`, `- hero.webp\n- /img/hero.webp\n`],
  ["YAML, flow", `[hero.jpg, 山.jpg]`, `[hero.webp, 山.webp]`],
  ["TOML", `cover = "img/hero.jpg"`, `cover = "img/hero.webp"`],
  ["a letter beyond the basic plane", `"😀.png"`, `"😀.webp"`],
  ["another ending", `"scan.tiff"`, `"scan.webp"`],
  ["an ending in capitals", `"HERO.JPG"`, `"HERO.webp"`],
  ["a text that is the path alone", `hero.jpg`, `hero.webp`],
  ["a byte order mark", `\ufeffhero.jpg`, `\ufeffhero.webp`],
];

const KEPT: [fact: string, text: string][] = [
  ["a longer name before", `"myhero.jpg" "my-hero.jpg" "my_hero.jpg" "my.hero.jpg" "超hero.jpg"`],
  [
    "a longer name behind",
    `"hero.jpgx" "hero.jpg.bak" "hero.jpg-old" "hero.jpg_1" "hero.jpg~" "hero.jpg是" "hero.jpg@2"`,
  ],
  ["a longer name behind, encoded", String.raw`"hero.jpg%20copy" "hero.jpg%s" "hero.jpg\u5c71"`],
  ["a folder with an image's name", String.raw`"hero.jpg/a" "hero.jpg\/a"`],
  ["other case", `"Hero.jpg" "hero.JPG" "IMG/hero.jpg"`],
  ["another folder", `"images/hero.jpg" "../hero.jpg" "./x/hero.jpg"`],
  ["https", `"https://a.example/img/hero.jpg"`],
  ["http without quotes", `see http://a.example/img/hero.jpg.`],
  ["escaped slashes of an address", String.raw`"https:\/\/a.example\/img\/hero.jpg"`],
  ["a scheme without a host", `"file:img/hero.jpg" "cid:hero.jpg" "c:/img/hero.jpg"`],
  ["a host without a scheme", `"//a.example/img/hero.jpg" <img src=//a.example/img/hero.jpg>`],
  ["an address's query", `"https://a.example/?u=/img/hero.jpg&v=img/hero.jpg,hero.jpg"`],
  ["an address's fragment", `(https://a.example/#!/img/hero.jpg)`],
  ["an address with brackets", `"https://a.example/(x)/img/hero.jpg"`],
  ["the query of an address with brackets", `"https://a.example/(x)?u=/img/hero.jpg"`],
  ["an address with a space", `"https://a.example/my hero.jpg"`],
  ["an address with an apostrophe", `"https://a.example/it's/img/hero.jpg"`],
  ["data", `"data:image/svg+xml,%3Cimage%20href=hero.jpg"`],
  ["data in CSS", "a{b:url(data:image/svg+xml,%3Cimage%20href=hero.jpg)}"],
  ["a host behind a base", "`${scheme}//a.example/img/hero.jpg`"],
  ["a name behind an interpolation", "`${my}hero.jpg` {{ my }}hero.jpg"],
  ["an ending alone", `".jpg" .jpg`],
  ["a broken percent-encoding", `"%ff%20hero.jpg"`],
];

describe("findEdits", () => {
  it.each(CHANGED)("updates %s", (_, before, after) => {
    expect(updated("/w/page", before, { images: IMAGES })).toBe(after);
  });

  it.each(CHANGED)("takes back %s", (_, before, after) => {
    const back = reversed(toWebp(IMAGES));
    const places = { roots: ["/w"], exists: () => false };
    expect(applied(after, findEdits("/w/page", after, back, places))).toBe(before);
  });

  it.each(KEPT)("leaves %s", (_, text) => {
    expect(updated("/w/page", text, { images: IMAGES })).toBe(text);
  });

  it("changes the ending alone", () => {
    const places = { roots: ["/w"], exists: () => false };
    expect(findEdits("/w/page", `"./hero.jpg?v=3"`, toWebp(IMAGES), places)).toEqual([
      { start: 7, end: 11, text: ".webp" },
    ]);
  });

  it("gives nothing when nothing is renamed", () => {
    expect(findEdits("/w/page", "hero.jpg", new Map(), { roots: ["/w"], exists: () => true })).toEqual([]);
  });

  it("passes over names without an ending", () => {
    const renamed = new Map([["/w/hero", "/w/hero.webp"]]);
    expect(findEdits("/w/page", "hero", renamed, { roots: ["/w"], exists: () => true })).toEqual([]);
  });
});
