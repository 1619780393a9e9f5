import { chmodSync, mkdirSync, symlinkSync } from "node:fs";
import { join, relative } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { exclusion } from "../../../src/images/exclude.ts";
import { filesBelow, findImages } from "../../../src/images/walk.ts";
import { bundled, newFolder, printed, put } from "./folder.ts";

const never = new AbortController().signal;

/** The images found from these choices, relative to the folder, with these patterns. */
async function found(root: string, choices: readonly string[], patterns: readonly string[] = []): Promise<string[]> {
  const chosen = choices.map((path) => ({ path: join(root, path), root }));
  const paths = await findImages(chosen, exclusion(patterns), never);
  return paths.map((path) => relative(root, path));
}

function site(...names: string[]): string {
  const root = newFolder();
  for (const name of names) put(root, name);
  return root;
}

describe("findImages", () => {
  it("gives the images of all folders below, sorted", async () => {
    const root = site("b.png", "a/c.JPG", "a/d/e.webp", "a.txt", "a/f.svg");
    expect(await found(root, [""])).toEqual(["a/c.JPG", "a/d/e.webp", "b.png"]);
  });

  it("gives each once, however often it was chosen", async () => {
    const root = site("a/b.png");
    expect(await found(root, ["", "a", "a/b.png", "a/b.png"])).toEqual(["a/b.png"]);
  });

  it("passes over a chosen file that is no image", async () => {
    const root = site("a.txt");
    expect(await found(root, ["a.txt"])).toEqual([]);
  });

  it("gives a chosen file that a pattern leaves out", async () => {
    const root = site("dist/a.png");
    expect(await found(root, ["dist/a.png"], ["**/dist/**"])).toEqual(["dist/a.png"]);
  });

  it("leaves out what a pattern does, in a chosen folder", async () => {
    const root = site("img/a.png", "img/dist/b.png");
    expect(await found(root, ["img"], ["**/dist/**"])).toEqual(["img/a.png"]);
  });

  it.each(["dist", "dist/img"])("reads %s, chosen against a pattern, and judges by the path in it", async (folder) => {
    const root = site("dist/img/a.png", "dist/img/dist/b.png");
    expect(await found(root, [folder], ["**/dist/**"])).toEqual(["dist/img/a.png"]);
  });

  it("reads a folder in node_modules that was chosen", async () => {
    const root = site("node_modules/x/a.png", "node_modules/x/node_modules/b.png");
    expect(await found(root, ["node_modules/x"])).toEqual(["node_modules/x/a.png"]);
  });

  it("leaves node_modules and .git out", async () => {
    const root = site("node_modules/a.png", ".git/a.png", "x/node_modules/y/a.png", "a.png");
    expect(await found(root, [""])).toEqual(["a.png"]);
  });

  it("follows no links in folders, neither to files nor to folders", async () => {
    const root = site("a/b.png");
    symlinkSync(join(root, "a/b.png"), join(root, "c.png"));
    symlinkSync(root, join(root, "a/loop"));
    expect(await found(root, [""])).toEqual(["a/b.png"]);
  });

  it("follows a link that was chosen", async () => {
    const root = site("a/b.png");
    symlinkSync(join(root, "a/b.png"), join(root, "c.png"));
    expect(await found(root, ["c.png"])).toEqual(["c.png"]);
  });

  it("takes a folder with an image's name for a folder", async () => {
    const root = site("x.png/a.png");
    mkdirSync(join(root, "y.png"));
    expect(await found(root, [""])).toEqual(["x.png/a.png"]);
  });

  it("throws for a choice that is gone", async () => {
    await expect(found(newFolder(), ["a.png"])).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("throws the signal's reason when it is aborted", async () => {
    const root = site("a.png");
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(findImages([{ path: root, root }], () => false, signal)).rejects.toThrow("enough");
  });

  it("finds just what the patterns keep, whatever they are", async () => {
    const names = ["a.png", "dist/a.png", "dist/b/c.png", "img/dist/d.png", "img/e/f/g.png", ".x/h.png"];
    const root = site(...names);
    const pattern = fc
      .array(fc.constantFrom("**", "*", "dist", "img", "?", "!(dist)", "!(*.png)", "*.png", "[a-e]*"), {
        minLength: 1,
        maxLength: 3,
      })
      .map((parts) => parts.join("/"));
    await fc.assert(
      fc.asyncProperty(fc.array(pattern, { maxLength: 2 }), async (patterns) => {
        const isExcluded = exclusion(patterns);
        expect(await found(root, [""], patterns)).toEqual(names.filter((name) => !isExcluded(name)).sort());
      }),
    );
  });
});

describe("a folder that cannot be read", () => {
  const script = `
    import { findImages } from "src/images/walk.ts";
    const [path, root] = process.argv.slice(2);
    findImages([{ path, root }], () => false, new AbortController().signal).then(
      (paths) => console.log(paths.length),
      (error) => console.log(error.code),
    );`;

  it("is passed over below a choice", async () => {
    const root = site("a.png", "closed/b.png");
    chmodSync(join(root, "closed"), 0o000);
    expect(await printed(bundled(root, script), root, root)).toBe("1");
  });

  it("is told of as a choice", async () => {
    const root = newFolder();
    mkdirSync(join(root, "closed"), 0o000);
    expect(await printed(bundled(root, script), join(root, "closed"), root)).toBe("EACCES");
  });
});

describe("filesBelow", () => {
  it("gives files of every kind", async () => {
    const root = site("a.txt", "b/c");
    const paths = [];
    for await (const path of filesBelow(root, root, () => false, never)) paths.push(relative(root, path));
    expect(paths.sort()).toEqual(["a.txt", "b/c"]);
  });
});
