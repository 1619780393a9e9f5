import { chmod, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative, sep } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { exclusion } from "../../../src/images/exclude.ts";
import { mayRefer, textFiles } from "../../../src/references/texts.ts";

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "references-"));
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

async function write(path: string, content: string | Uint8Array = "text"): Promise<string> {
  const full = join(root, path);
  await mkdir(dirname(full), { recursive: true });
  await writeFile(full, content);
  return full;
}

async function found(isExcluded = exclusion([])): Promise<string[]> {
  const paths: string[] = [];
  for await (const path of textFiles(root, isExcluded, new AbortController().signal)) {
    paths.push(relative(root, path).split(sep).join("/"));
  }
  return paths;
}

describe("textFiles", () => {
  it("walks all folders in the order of names", async () => {
    for (const path of ["b/c/d.md", "a.html", "z.css", "b/a.js", "a/x.txt", ".hidden"]) await write(path);
    expect(await found()).toEqual([".hidden", "a.html", "z.css", "a/x.txt", "b/a.js", "b/c/d.md"]);
  });

  it("gives absolute paths", async () => {
    const path = await write("a/b.md");
    const walk = textFiles(root, () => false, new AbortController().signal);
    expect((await walk.next()).value).toBe(path);
  });

  it("never enters node_modules and .git", async () => {
    for (const path of ["node_modules/a.js", "x/node_modules/b/c.js", ".git/config", "x/.git", "x/kept.js"])
      await write(path);
    expect(await found()).toEqual(["x/kept.js"]);
  });

  it("never enters what is excluded", async () => {
    for (const path of ["dist/a/b.js", "src/b.js", "src/dist/c.js"]) await write(path);
    const asked: string[] = [];
    const isExcluded = (path: string): boolean => {
      asked.push(path);
      return path === "dist";
    };
    expect(await found(isExcluded)).toEqual(["src/b.js", "src/dist/c.js"]);
    expect(asked).toEqual(["dist", "src", "src/b.js", "src/dist", "src/dist/c.js"]);
  });

  it("passes over excluded files", async () => {
    for (const path of ["a.md", "a.min.js"]) await write(path);
    expect(await found((path) => path.endsWith(".min.js"))).toEqual(["a.md"]);
  });

  it("follows no links", async () => {
    await write("a/x.md");
    await symlink(join(root, "a"), join(root, "b"));
    await symlink(join(root, "a/x.md"), join(root, "y.md"));
    expect(await found()).toEqual(["a/x.md"]);
  });

  it("ends where a link leads back up", async () => {
    await write("a/x.md");
    await symlink(root, join(root, "a/up"));
    expect(await found()).toEqual(["a/x.md"]);
  });

  it("passes over files with a zero byte among the first 8000", async () => {
    await write("a.bin", Buffer.concat([Buffer.alloc(7999, 65), Buffer.from([0])]));
    expect(await found()).toEqual([]);
  });

  it("takes files with a zero byte later", async () => {
    await write("a.txt", Buffer.concat([Buffer.alloc(8000, 65), Buffer.from([0])]));
    expect(await found()).toEqual(["a.txt"]);
  });

  it.each([
    ["little", [0xff, 0xfe, 65, 0]],
    ["big", [0xfe, 0xff, 0, 65]],
  ])("takes UTF-16 of %s endianness with its mark", async (_, bytes) => {
    await write("a.txt", Uint8Array.from(bytes));
    expect(await found()).toEqual(["a.txt"]);
  });

  it("takes an empty file", async () => {
    await write("a.txt", "");
    expect(await found()).toEqual(["a.txt"]);
  });

  it("takes 50 MiB and no byte more", async () => {
    const size = 50 * 1024 * 1024;
    await truncate(await write("fits.txt", Buffer.alloc(8000, 65)), size);
    await truncate(await write("large.txt", Buffer.alloc(8000, 65)), size + 1);
    expect(await found()).toEqual(["fits.txt"]);
  });

  it("passes over what cannot be read", async () => {
    await write("secret.txt");
    await write("secret/a.txt");
    await write("z.txt");
    await chmod(join(root, "secret.txt"), 0);
    await chmod(join(root, "secret"), 0);
    const isRoot = process.getuid?.() === 0;
    expect(await found()).toEqual(isRoot ? ["secret.txt", "z.txt", "secret/a.txt"] : ["z.txt"]);
    await chmod(join(root, "secret"), 0o700);
  });

  it("finds nothing in a folder that is not there", async () => {
    await rm(root, { recursive: true });
    expect(await found()).toEqual([]);
  });

  it("passes over files that vanish during the walk", async () => {
    for (const path of ["a.txt", "b.txt", "c/d.txt", "e.txt"]) await write(path);
    const paths: string[] = [];
    for await (const path of textFiles(root, () => false, new AbortController().signal)) {
      paths.push(relative(root, path));
      await rm(join(root, "b.txt"), { force: true });
      await rm(join(root, "c"), { recursive: true, force: true });
    }
    expect(paths).toEqual(["a.txt", "e.txt"]);
  });

  it("throws the signal's reason before it begins", async () => {
    const walk = textFiles(root, () => false, AbortSignal.abort(new Error("stopped")));
    await expect(walk.next()).rejects.toThrow("stopped");
  });

  it("throws the signal's reason between two files", async () => {
    for (const path of ["a.txt", "b.txt"]) await write(path);
    const stop = new AbortController();
    const walk = textFiles(root, () => false, stop.signal);
    await walk.next();
    stop.abort(new Error("stopped"));
    await expect(walk.next()).rejects.toThrow("stopped");
  });
});

describe("mayRefer", () => {
  const names = ["hero.jpg", "a.png", "山.jpg", "a&b.jpg", "😀.gif", "LICENSE"];

  it.each([
    "hero.jpg",
    "x/a.png?v=3",
    "山.jpg",
    "%E5%B1%B1.jpg",
    "%e5%b1%b1.jpg",
    String.raw`\u5c71.jpg`,
    "&#23665;.jpg",
    "a&amp;b.jpg",
    "a%26b.jpg",
    String.raw`her\o.jpg a\&b.jpg`,
    "%F0%9F%98%80.gif",
    "none.jpg, none.png, hero.jpg",
  ])("says yes to %s", (text) => {
    expect(mayRefer(Buffer.from(text), names)).toBe(true);
  });

  it.each(["", "hero", "hero.svg", "none.jpg", "HERO.JPG", ".jpg", "LICENSE", "hero .jpg", "%E5%B1%B2.jpg"])(
    "says no to %j",
    (text) => {
      expect(mayRefer(Buffer.from(text), names)).toBe(false);
    },
  );

  it("says yes to UTF-16, which it doesn't read", () => {
    expect(mayRefer(Buffer.from("\ufeffnothing", "utf16le"), names)).toBe(true);
  });

  it("says yes to letters of an unknown encoding", () => {
    expect(mayRefer(Uint8Array.from([0xbb, 0xb6, ...Buffer.from(".jpg")]), names)).toBe(true);
  });

  it("reads the given part of a larger buffer alone", () => {
    const whole = Buffer.from("hero.jpg none");
    expect(mayRefer(whole.subarray(8), names)).toBe(false);
  });
});
