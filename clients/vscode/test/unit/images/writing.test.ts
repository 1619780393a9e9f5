import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";

import { createFile, digest, digestOfFile, exists, hasCode, isWritable } from "../../../src/images/writing.ts";
import { bundled, newFolder, printed, put } from "./folder.ts";

const hasLinks = vi.hoisted(() => ({ value: true }));
vi.mock("node:fs/promises", async (importOriginal) => {
  const real = await importOriginal<typeof import("node:fs/promises")>();
  const noLinks = (): Promise<void> => Promise.reject(Object.assign(new Error("no links here"), { code: "EPERM" }));
  return { ...real, link: (from: string, to: string) => (hasLinks.value ? real.link(from, to) : noLinks()) };
});

const OLD = Buffer.from("the old bytes");
const NEW = Buffer.from("the new");
const text = (path: string): string => readFileSync(path, "utf8");
const modeOf = (path: string): number => statSync(path).mode & 0o7777;

async function withoutLinks<Value>(work: () => Promise<Value>): Promise<Value> {
  hasLinks.value = false;
  try {
    return await work();
  } finally {
    hasLinks.value = true;
  }
}

describe("digests", () => {
  it("is SHA-256 in hexadecimal digits", () => {
    expect(digest(Buffer.from("abc"))).toMatch(/^ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad$/);
  });

  it("of a file is that of its bytes", async () => {
    expect(await digestOfFile(put(newFolder(), "a", OLD))).toBe(digest(OLD));
  });

  it("of what is no file is undefined", async () => {
    const folder = newFolder();
    expect([await digestOfFile(join(folder, "a")), await digestOfFile(folder)]).toEqual([undefined, undefined]);
  });
});

describe("exists", () => {
  it("is true for a file, a folder, and a link that leads nowhere", async () => {
    const folder = newFolder();
    symlinkSync(join(folder, "nowhere"), join(folder, "link"));
    const paths = [put(folder, "a"), folder, join(folder, "link")];
    expect(await Promise.all(paths.map(exists))).toEqual([true, true, true]);
  });

  it("is false where nothing is", async () => {
    expect(await exists(join(newFolder(), "a"))).toBe(false);
  });
});

describe("isWritable", () => {
  it("asks the file's permissions", async () => {
    const folder = newFolder();
    const script = bundled(
      folder,
      `import { isWritable } from "src/images/writing.ts";
       void Promise.all(process.argv.slice(2).map(isWritable)).then((all) => console.log(all.join()));`,
    );
    const paths = [put(folder, "a", OLD, 0o666), put(folder, "b", OLD, 0o444)];
    expect(await printed(script, ...paths)).toBe("true,false");
  });

  it("is false where nothing is", async () => {
    expect(await isWritable(join(newFolder(), "a"))).toBe(false);
  });
});

describe("createFile", () => {
  it("writes the bytes with the mode given, whatever the process masks", async () => {
    const path = join(newFolder(), "a.webp");
    expect([await createFile(path, NEW, 0o666), text(path), modeOf(path)]).toEqual([true, "the new", 0o666]);
  });

  it("lets others read by default, and only the owner write", async () => {
    const path = join(newFolder(), "a.webp");
    await createFile(path, NEW);
    expect(modeOf(path)).toBe(0o644);
  });

  it("leaves alone what lies there: a file, a link that leads nowhere, a folder", async () => {
    const folder = newFolder();
    const paths = [put(folder, "a", OLD), join(folder, "link"), join(folder, "folder")] as const;
    symlinkSync("nowhere", paths[1]);
    mkdirSync(paths[2]);
    const made = await Promise.all(paths.map((path) => createFile(path, NEW)));
    expect([made, text(paths[0]), readdirSync(folder).sort()]).toEqual([
      [false, false, false],
      OLD.toString(),
      ["a", "folder", "link"],
    ]);
  });

  it("makes one file of two that are written at once", async () => {
    const path = join(newFolder(), "a");
    const made = await Promise.all([createFile(path, OLD), createFile(path, OLD)]);
    expect(made.sort()).toEqual([false, true]);
  });

  it("leaves nothing beside the file", async () => {
    const folder = newFolder();
    await createFile(join(folder, "a"), NEW);
    await createFile(join(folder, "a"), NEW);
    expect(readdirSync(folder)).toEqual(["a"]);
  });

  it("throws where the folder is gone", async () => {
    const folder = newFolder();
    rmSync(folder, { recursive: true });
    await expect(createFile(join(folder, "a"), NEW)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("writes the file on a disk without links", async () => {
    const folder = newFolder();
    const path = join(folder, "a");
    expect(await withoutLinks(() => createFile(path, NEW))).toBe(true);
    expect([text(path), readdirSync(folder)]).toEqual(["the new", ["a"]]);
  });

  it("leaves alone what lies there on a disk without links", async () => {
    const folder = newFolder();
    const path = put(folder, "a", OLD);
    expect(await withoutLinks(() => createFile(path, NEW))).toBe(false);
    expect([text(path), readdirSync(folder)]).toEqual([OLD.toString(), ["a"]]);
  });
});

describe("what killed processes left in a folder", () => {
  const PART = ".a.png.0b9c9f5e-8d4e-4b8f-9a55-0123456789ab.minipic-part";
  const OTHERS = [".a.png.minipic-part", "a.png.0b9c9f5e-8d4e-4b8f-9a55-0123456789ab.minipic-part", ".b.png.part"];

  /** A folder with such files, last written so long ago; what is in it after a file was made there. */
  async function after(ageSeconds: number): Promise<string[]> {
    const folder = newFolder();
    const nowSeconds = Date.now() / 1000;
    for (const name of [PART, ...OTHERS]) {
      utimesSync(put(folder, name), nowSeconds, nowSeconds - ageSeconds);
    }
    await createFile(join(folder, "new.png"), NEW);
    return readdirSync(folder).sort();
  }

  it("is deleted after an hour, and nothing else is", async () => {
    expect(await after(3610)).toEqual([...OTHERS, "new.png"].sort());
  });

  it("stays before: another window may be writing it", async () => {
    expect(await after(3500)).toEqual([PART, ...OTHERS, "new.png"].sort());
  });

  it("is looked for once", async () => {
    const folder = newFolder();
    await createFile(join(folder, "first.png"), NEW);
    utimesSync(put(folder, PART), 0, 0);
    await createFile(join(folder, "second.png"), NEW);
    expect(readdirSync(folder)).toContain(PART);
  });

  it("is what a killed process leaves", async () => {
    const folder = newFolder();
    const script = bundled(
      newFolder(),
      `import fs from "node:fs"; import { createFile } from "src/images/writing.ts";
       void createFile(process.argv[2], Buffer.alloc(2 ** 26));
       fs.watch(process.argv[3], () => process.kill(process.pid, "SIGKILL"));`,
    );
    expect(await printed(script, join(folder, "a.png"), folder)).toBe("");
    const left = readdirSync(folder);
    for (const name of left) utimesSync(join(folder, name), 0, 0);
    await createFile(join(folder, "new.png"), NEW);
    expect([left.length, readdirSync(folder)]).toEqual([1, ["new.png"]]);
  });
});

describe("hasCode", () => {
  it("knows an error of the file system by its code", () => {
    const error = Object.assign(new Error("gone"), { code: "ENOENT" });
    expect([hasCode(error, "ENOENT"), hasCode(error, "EEXIST")]).toEqual([true, false]);
  });

  it("is false for an error without a code, and for what is no error", () => {
    expect([hasCode(new Error("x"), "ENOENT"), hasCode({ code: "ENOENT" }, "ENOENT")]).toEqual([false, false]);
  });
});
