import { describe, expect, it } from "vitest";

import { findEdits } from "../../../src/references/edits.ts";
import { toWebp, updated } from "./workspace.ts";
import type { Workspace } from "./workspace.ts";

/** Whether the path, written in the file, means one of the images. */
function isUpdated(file: string, path: string, workspace: Workspace): boolean {
  return updated(file, `"${path}"`, workspace) !== `"${path}"`;
}

describe("a relative path", () => {
  it.each([
    ["hero.jpg", "/w/docs/hero.jpg"],
    ["./hero.jpg", "/w/docs/hero.jpg"],
    ["././x/../hero.jpg", "/w/docs/hero.jpg"],
    ["../hero.jpg", "/w/hero.jpg"],
    ["../../elsewhere/hero.jpg", "/elsewhere/hero.jpg"],
    ["img/hero.jpg", "/w/docs/img/hero.jpg"],
  ])("%s lies beside the text", (path, image) => {
    expect(isUpdated("/w/docs/a.md", path, { images: [image] })).toBe(true);
  });

  it("without a slash is looked for nowhere else", () => {
    expect(isUpdated("/w/docs/a.md", "hero.jpg", { images: ["/w/hero.jpg", "/w/docs/public/hero.jpg"] })).toBe(false);
  });

  it("that begins with a dot is looked for nowhere else", () => {
    expect(isUpdated("/w/docs/a.md", "./img/hero.jpg", { images: ["/w/img/hero.jpg"] })).toBe(false);
  });

  it("with a slash is looked for as a root path", () => {
    expect(isUpdated("/w/src/a.py", "img/hero.jpg", { images: ["/w/img/hero.jpg"] })).toBe(true);
  });

  it("with a slash is that beside the text first", () => {
    const workspace = { images: ["/w/img/hero.jpg"], files: ["/w/src/img/hero.jpg"] };
    expect(isUpdated("/w/src/a.py", "img/hero.jpg", workspace)).toBe(false);
  });
});

describe("a root path", () => {
  it.each([
    "",
    "public/",
    "static/",
    "assets/",
    "www/",
    "wwwroot/",
    "web/",
    "htdocs/",
    "src/",
    "app/",
    "docs/",
    "site/",
    "dist/",
  ])("is served from %s", (folder) => {
    expect(isUpdated("/w/index.html", "/img/hero.jpg", { images: [`/w/${folder}img/hero.jpg`] })).toBe(true);
  });

  it("is served from a package's folder above the text", () => {
    const workspace = { images: ["/w/packages/site/public/hero.jpg"] };
    expect(isUpdated("/w/packages/site/src/pages/a.vue", "/hero.jpg", workspace)).toBe(true);
  });

  it("is another package's nowhere", () => {
    const workspace = { images: ["/w/packages/site/public/hero.jpg"] };
    expect(isUpdated("/w/packages/shop/a.vue", "/hero.jpg", workspace)).toBe(false);
  });

  it("means the file nearest to the text", () => {
    const workspace = { images: ["/w/public/hero.jpg"], files: ["/w/site/public/hero.jpg"] };
    expect(isUpdated("/w/site/a.html", "/hero.jpg", workspace)).toBe(false);
  });

  it("means the nearest image though another lies above", () => {
    const workspace = { images: ["/w/site/public/hero.jpg"], files: ["/w/public/hero.jpg"] };
    expect(isUpdated("/w/site/a.html", "/hero.jpg", workspace)).toBe(true);
  });

  it("never leaves the workspace folder", () => {
    expect(isUpdated("/w/docs/a.html", "/hero.jpg", { images: ["/hero.jpg"] })).toBe(false);
  });

  it("never leaves the workspace folder by dots", () => {
    expect(isUpdated("/w/docs/a.html", "/../../hero.jpg", { images: ["/hero.jpg"] })).toBe(false);
  });

  it("stays in the text's own workspace folder", () => {
    const workspace = { images: ["/v/hero.jpg"], roots: ["/v", "/w", "/w/inner"] };
    expect(isUpdated("/w/a.html", "/hero.jpg", workspace)).toBe(false);
  });

  it("stays in the innermost workspace folder", () => {
    const workspace = { images: ["/w/hero.jpg"], roots: ["/w/inner", "/w"] };
    expect(isUpdated("/w/inner/a.html", "/hero.jpg", workspace)).toBe(false);
  });

  it("is not looked for in a folder whose name only begins alike", () => {
    expect(isUpdated("/wide/a.html", "/hero.jpg", { images: ["/w/hero.jpg", "/wide/hero.jpg"] })).toBe(false);
  });

  it.each([
    ["/", "/a.html", "/hero.jpg"],
    ["/", "/site/a.html", "/public/hero.jpg"],
    ["/c:/", "/c:/site/a.html", "/c:/hero.jpg"],
    ["/c:/x", "/c:/x/a.html", "/c:/x/hero.jpg"],
  ])("works in the workspace folder %s", (root, file, image) => {
    expect(isUpdated(file, "/hero.jpg", { images: [image], roots: [root] })).toBe(true);
  });
});

describe("an alias", () => {
  it.each([
    ["@/hero.jpg", "/w/src/hero.jpg"],
    ["@/hero.jpg", "/w/app/hero.jpg"],
    ["@/hero.jpg", "/w/hero.jpg"],
    ["~/hero.jpg", "/w/app/hero.jpg"],
    ["~@/hero.jpg", "/w/src/hero.jpg"],
    ["@/hero.jpg", "/w/src/pages/src/hero.jpg"],
  ])("%s means %s", (path, image) => {
    expect(isUpdated("/w/src/pages/a.vue", path, { images: [image] })).toBe(true);
  });

  it("is not served from public", () => {
    expect(isUpdated("/w/src/a.vue", "@/hero.jpg", { images: ["/w/public/hero.jpg"] })).toBe(false);
  });
});

describe("a path behind an interpolation", () => {
  const workspace = { images: ["/w/public/img/hero.jpg"] };

  it.each([
    "${base}/img/hero.jpg",
    "{{ base }}/img/hero.jpg",
    "{{ base | default('x') }}/img/hero.jpg",
    "<?= $b ?>/img/hero.jpg",
    "<%= b %>/img/hero.jpg",
    "#{base}/img/hero.jpg",
    "{base}/img/hero.jpg",
    "${a ? `${b}` : ''}/img/hero.jpg",
    "$base/img/hero.jpg",
    "%PUBLIC_URL%/img/hero.jpg",
    "${base}\\/img\\/hero.jpg",
  ])("is a root path: %s", (path) => {
    expect(isUpdated("/w/src/a.js", path, workspace)).toBe(true);
  });

  it.each([
    "https://cdn.example.com${x}/img/hero.jpg",
    "https://cdn.example.com/{{ y }}/img/hero.jpg",
    "https://${host}/img/hero.jpg",
    "https://${a}/${b}/img/hero.jpg",
    "https://$host/img/hero.jpg",
    "//{{ host }}/img/hero.jpg",
    "https://x<?= $b ?>/img/hero.jpg",
    "https://x<%= b %>/img/hero.jpg",
    "https:\\/\\/x${b}\\/img\\/hero.jpg",
    "${host}.example.com/img/hero.jpg",
    "{{ 'https://x' }}/img/hero.jpg",
  ])("is left behind an address: %s", (path) => {
    expect(isUpdated("/w/src/a.js", path, workspace)).toBe(false);
  });

  it.each(["}/img/hero.jpg", "?>/img/hero.jpg", "a>/img/hero.jpg"])(
    "is a root path without a beginning: %s",
    (path) => {
      expect(isUpdated("/w/src/a.js", path, workspace)).toBe(true);
    },
  );
});

describe("the disk", () => {
  it("decides between a whole name with a space and its end", () => {
    const workspace = { images: ["/w/hero.jpg"], files: ["/w/my hero.jpg"] };
    expect(isUpdated("/w/a.html", "my hero.jpg", workspace)).toBe(false);
  });

  it("decides between a percent-encoded name and one with a percent sign", () => {
    const workspace = { images: ["/w/my%20hero.jpg"], files: ["/w/my hero.jpg"] };
    expect(isUpdated("/w/a.html", "my%20hero.jpg", workspace)).toBe(false);
  });

  it.each([
    ["an image of the same run", { images: ["/w/a.png", "/w/x a.jpg"] }],
    ["a file that lies there", { images: ["/w/a.png"], files: ["/w/x a.webp"] }],
  ])("keeps a path from meaning something else by its new ending: %s", (_, workspace) => {
    expect(isUpdated("/w/a.html", "x a.png", workspace)).toBe(false);
    expect(isUpdated("/w/a.html", "y a.png", workspace)).toBe(true);
  });

  it("is asked once about a path", () => {
    const asked: string[] = [];
    const exists = (path: string): boolean => asked.push(path) < 0;
    const text = `"/hero.jpg" "/hero.jpg"`;
    findEdits("/w/a.html", text, toWebp(["/w/public/hero.jpg"]), { roots: ["/w"], exists });
    expect(asked).toEqual(["/w/hero.jpg", "/w/hero.webp"]);
  });

  it("is not asked about other images", () => {
    const asked: string[] = [];
    const exists = (path: string): boolean => asked.push(path) < 0;
    const text = `"/other.jpg" "x/hero.jpg" "https://a.example/hero.jpg"`;
    findEdits("/w/a.html", text, toWebp(["/w/public/hero.jpg"]), { roots: ["/w"], exists });
    expect(asked).toEqual([]);
  });

  it("is not asked about the end of a path with spaces", () => {
    const workspace = { images: ["/w/hero.jpg"] };
    expect(isUpdated("/w/a.html", "./missing/my hero.jpg", workspace)).toBe(false);
  });

  it("decides between a long path and its end", () => {
    const folder = "a b c d e f g h i j k l m n";
    expect(isUpdated("/w/a.html", `${folder}/hero.jpg`, { images: [`/w/${folder}/hero.jpg`] })).toBe(false);
  });
});
