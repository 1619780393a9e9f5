import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { digest, replaceFile } from "../../../src/images/writing.ts";
import { bundled, launch, newFolder, printed, put } from "./folder.ts";

const OLD = Buffer.from("the old bytes");
const NEW = Buffer.from("the new");
const text = (path: string): string => readFileSync(path, "utf8");
const modeOf = (path: string): number => statSync(path).mode & 0o7777;

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

  it.skipIf(process.getuid?.() !== 0)("keeps the owner and the group", async () => {
    const path = put(newFolder(), "a.png", OLD, 0o640);
    chownSync(path, 54_321, 33);
    await replaceFile(path, NEW, digest(OLD));
    const { uid, gid, mode } = statSync(path);
    expect([uid, gid, mode & 0o7777]).toEqual([54_321, 33, 0o640]);
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
