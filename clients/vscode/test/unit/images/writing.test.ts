import { once } from "node:events";
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";

import {
  createFile,
  digest,
  digestOfFile,
  exists,
  hasCode,
  isWritable,
  replaceFile,
} from "../../../src/images/writing.ts";
import { bundled, launch, newFolder, printed, put } from "./folder.ts";

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

describe("replaceFile", () => {
  it("puts the new bytes in place of the old", async () => {
    const path = put(newFolder(), "a.png", OLD);
    expect([await replaceFile(path, NEW, digest(OLD)), text(path)]).toEqual([true, "the new"]);
  });

  it.each([0o644, 0o600, 0o755, 0o664, 0o4755])("keeps the mode %o", async (mode) => {
    const path = put(newFolder(), "a.png", OLD, mode);
    await replaceFile(path, NEW, digest(OLD));
    expect(modeOf(path)).toBe(mode);
  });

  it("replaces what a link leads to, and keeps the link", async () => {
    const folder = newFolder();
    const target = put(folder, "real/a.png", OLD);
    const link = join(folder, "a.png");
    symlinkSync("real/a.png", link);
    await replaceFile(link, NEW, digest(OLD));
    expect([lstatSync(link).isSymbolicLink(), text(target)]).toEqual([true, "the new"]);
  });

  it("leaves a file alone that has other bytes than expected", async () => {
    const path = put(newFolder(), "a.png", "changed");
    expect([await replaceFile(path, NEW, digest(OLD)), text(path)]).toEqual([false, "changed"]);
  });

  it("leaves nothing beside the file, whether it replaced it or not", async () => {
    const folder = newFolder();
    const path = put(folder, "a.png", OLD);
    await replaceFile(path, NEW, digest(NEW));
    await replaceFile(path, NEW, digest(OLD));
    expect(readdirSync(folder)).toEqual(["a.png"]);
  });

  it("throws for a file that is gone, and makes none", async () => {
    const folder = newFolder();
    await expect(replaceFile(join(folder, "a.png"), NEW, digest(OLD))).rejects.toMatchObject({ code: "ENOENT" });
    expect(readdirSync(folder)).toEqual([]);
  });

  it("throws in a folder that cannot be written, and leaves the file as it is", async () => {
    const folder = newFolder();
    const script = bundled(
      folder,
      `import { replaceFile } from "src/images/writing.ts";
       const [path, expected] = process.argv.slice(2);
       replaceFile(path, Buffer.from("new"), expected).catch((error) => console.log(error.code));`,
    );
    const path = put(folder, "closed/a.png", OLD);
    chmodSync(join(folder, "closed"), 0o555);
    expect(await printed(script, path, digest(OLD))).toBe("EACCES");
    expect([text(path), readdirSync(join(folder, "closed"))]).toEqual([OLD.toString(), ["a.png"]]);
  });

  it.each(["山".repeat(83), "é".repeat(125), "a".repeat(251), "🖼️".repeat(35)])(
    "takes a name as long as a disk allows: %s",
    async (stem) => {
      const path = put(newFolder(), `${stem}.png`, OLD);
      expect(await replaceFile(path, NEW, digest(OLD))).toBe(true);
    },
  );

  it("leaves a file's other name with the old bytes", async () => {
    const folder = newFolder();
    const path = put(folder, "a.png", OLD);
    linkSync(path, join(folder, "b.png"));
    await replaceFile(path, NEW, digest(OLD));
    expect([text(path), text(join(folder, "b.png"))]).toEqual(["the new", OLD.toString()]);
  });

  it("puts any bytes in place of any others", async () => {
    const path = put(newFolder(), "a.png");
    await fc.assert(
      fc.asyncProperty(fc.uint8Array(), fc.uint8Array(), async (before, after) => {
        writeFileSync(path, before);
        await replaceFile(path, after, digest(before));
        expect(new Uint8Array(readFileSync(path))).toEqual(after);
      }),
      { numRuns: 30 },
    );
  });

  it("leaves the old or the new file whole when its process is killed in the middle", async () => {
    const folder = newFolder();
    const path = join(folder, "a.png");
    const script = bundled(
      folder,
      `import { digest, replaceFile } from "src/images/writing.ts";
       const path = process.argv[2]!;
       const files = ["a", "b"].map((letter) => Buffer.alloc(3_000_000, letter));
       async function alternate() {
         console.log("begun");
         for (let at = 0; ; at += 1) await replaceFile(path, files[(at + 1) % 2]!, digest(files[at % 2]!));
       }
       void alternate();`,
    );
    const broken = [];
    for (let kill = 0; kill < 12; kill += 1) {
      writeFileSync(path, Buffer.alloc(3_000_000, "a"));
      chmodSync(path, 0o666);
      const child = launch(script, path);
      if (child.stdout !== null) await once(child.stdout, "data");
      await sleep(kill * 7);
      child.kill("SIGKILL");
      await once(child, "exit");
      const bytes = readFileSync(path);
      const isWhole = bytes.length === 3_000_000 && bytes.every((byte) => byte === bytes[0]);
      if (!isWhole) broken.push(kill);
    }
    expect(broken).toEqual([]);
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

describe("hasCode", () => {
  it("knows an error of the file system by its code", () => {
    const error = Object.assign(new Error("gone"), { code: "ENOENT" });
    expect([hasCode(error, "ENOENT"), hasCode(error, "EEXIST")]).toEqual([true, false]);
  });

  it("is false for an error without a code, and for what is no error", () => {
    expect([hasCode(new Error("x"), "ENOENT"), hasCode({ code: "ENOENT" }, "ENOENT")]).toEqual([false, false]);
  });
});
