import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { createFile, digest, replaceFile } from "../../../src/images/writing.ts";
import { type Change, Journal, lastRun, takeBack } from "../../../src/run/journal.ts";
import { newFolder, put } from "../images/folder.ts";

const OLD = Buffer.from("the original");
const NEW = Buffer.from("new");
const home = (): string => join(newFolder(), "undo");
const text = (path: string): string => readFileSync(path, "utf8");

/** Take back all that the newest run's journal says. */
async function takeAllBack(folder: string): Promise<string[]> {
  const run = await lastRun(folder);
  const taken = [];
  for (const change of run?.changes ?? []) taken.push(await takeBack(run?.folder ?? "", change));
  return taken;
}

describe("Journal.begin", () => {
  it("makes a folder of its own for each run, in the order of their beginnings", async () => {
    const folder = home();
    const runs = [await Journal.begin(folder, 5), await Journal.begin(folder, 5), await Journal.begin(folder, 9)];
    expect(runs.map((run) => run.folder)).toEqual([join(folder, "5"), join(folder, "6"), join(folder, "9")]);
  });

  it("comes after the last run, even where the clock went back", async () => {
    const folder = home();
    await Journal.begin(folder, 100);
    expect((await Journal.begin(folder, 7)).folder).toBe(join(folder, "101"));
  });

  it("gives two runs that begin at once a folder each", async () => {
    const folder = home();
    const runs = await Promise.all([Journal.begin(folder, 5), Journal.begin(folder, 5)]);
    expect(new Set(runs.map((run) => run.folder)).size).toBe(2);
  });

  it("keeps the ten newest runs", async () => {
    const folder = home();
    for (let count = 1; count <= 13; count += 1) {
      const run = await Journal.begin(folder, count);
      run.creating("/w/a", "/w/b", "digest");
      await run.end();
    }
    const kept = readdirSync(folder).map(Number);
    expect(kept.sort((one, other) => one - other)).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
  });

  it("keeps a run that goes on, however many begin meanwhile", async () => {
    const folder = home();
    const long = await Journal.begin(folder, 1);
    for (let count = 2; count <= 15; count += 1) {
      const run = await Journal.begin(folder, count);
      run.creating("/w/a", "/w/b", "digest");
      await run.end();
    }
    await expect(long.replacing("/w/a.png", OLD, digest(NEW))).resolves.toBeUndefined();
  });

  it("leaves alone what is no run", async () => {
    const folder = home();
    put(folder, "notes.txt");
    for (let count = 1; count <= 12; count += 1) {
      const run = await Journal.begin(folder, count);
      run.creating("/w/a", "/w/b", "digest");
      await run.end();
    }
    expect(existsSync(join(folder, "notes.txt"))).toBe(true);
  });

  it("throws where no folder can be made", async () => {
    const file = put(newFolder(), "file");
    await expect(Journal.begin(file, 1)).rejects.toMatchObject({ code: "EEXIST" });
  });
});

describe("Journal.end", () => {
  it("forgets a run that changed nothing", async () => {
    const folder = home();
    await (await Journal.begin(folder, 1)).end();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("keeps a run that changed something", async () => {
    const folder = home();
    const run = await Journal.begin(folder, 1);
    run.creating("/w/a", "/w/b", "digest");
    await run.end();
    expect((await lastRun(folder))?.changes).toEqual([
      { kind: "created", path: "/w/a", from: "/w/b", after: "digest" },
    ]);
  });
});

describe("lastRun", () => {
  it("is none where nothing ever ran", async () => {
    expect(await lastRun(home())).toBeUndefined();
  });

  it("throws where the folder cannot be read", async () => {
    await expect(lastRun(put(newFolder(), "file"))).rejects.toMatchObject({ code: "ENOTDIR" });
  });

  it("passes over runs without changes", async () => {
    const folder = home();
    const run = await Journal.begin(folder, 1);
    run.creating("/w/a", "/w/b", "digest");
    await Journal.begin(folder, 2);
    mkdirSync(join(folder, "3"));
    expect((await lastRun(folder))?.folder).toBe(join(folder, "1"));
  });

  it("gives the changes newest first", async () => {
    const folder = home();
    const run = await Journal.begin(folder, 1);
    for (const path of ["/w/1", "/w/2", "/w/3"]) run.creating(path, "/w/x", "digest");
    expect((await lastRun(folder))?.changes.map(({ path }) => path)).toEqual(["/w/3", "/w/2", "/w/1"]);
  });

  it("gives the whole lines of a list that ends within one, wherever it was cut", async () => {
    const folder = home();
    const run = await Journal.begin(folder, 1);
    run.creating("/w/1", "/w/x", "digest");
    const list = join(run.folder, "changes.jsonl");
    const firstBytes = statSync(list).size;
    run.creating("/w/2", "/w/x", "digest");
    const whole = readFileSync(list);
    for (let sizeBytes = firstBytes; sizeBytes < whole.length - 1; sizeBytes += 1) {
      writeFileSync(list, whole.subarray(0, sizeBytes));
      expect((await lastRun(folder))?.changes.map(({ path }) => path)).toEqual(["/w/1"]);
    }
  });
});

describe("takeBack", () => {
  const newRun = (): Promise<Journal> => Journal.begin(home(), 1);

  it("puts a replaced file's bytes back, with its mode", async () => {
    const run = await newRun();
    const path = put(newFolder(), "a.png", OLD, 0o640);
    await run.replacing(path, OLD, digest(NEW));
    await replaceFile(path, NEW, digest(OLD));
    const change = (await lastRun(join(run.folder, "..")))?.changes[0] as Change;
    expect([await takeBack(run.folder, change), text(path), statSync(path).mode & 0o7777]).toEqual([
      "restored",
      OLD.toString(),
      0o640,
    ]);
  });

  it("brings a deleted file back, with its mode", async () => {
    const run = await newRun();
    const path = put(newFolder(), "a.png", OLD, 0o600);
    const change = await run.deleting(path);
    rmSync(path);
    expect([await takeBack(run.folder, change), text(path), statSync(path).mode & 0o7777]).toEqual([
      "restored",
      OLD.toString(),
      0o600,
    ]);
  });

  it("deletes a created file", async () => {
    const path = put(newFolder(), "a.webp", NEW);
    const change: Change = { kind: "created", path, from: "/w/a.png", after: digest(NEW) };
    expect([await takeBack("/none", change), existsSync(path)]).toEqual(["restored", false]);
  });

  it("leaves a created file that was changed since", async () => {
    const path = put(newFolder(), "a.webp", "changed");
    const change: Change = { kind: "created", path, from: "/w/a.png", after: digest(NEW) };
    expect([await takeBack("/none", change), text(path)]).toEqual(["left", "changed"]);
  });

  it("leaves a replaced file that was changed or deleted since", async () => {
    const run = await newRun();
    const folder = newFolder();
    const path = put(folder, "a.png", "changed");
    await run.replacing(path, OLD, digest(NEW));
    const change = (await lastRun(join(run.folder, "..")))?.changes[0] as Change;
    expect([await takeBack(run.folder, change), text(path)]).toEqual(["left", "changed"]);
    rmSync(path);
    expect([await takeBack(run.folder, change), readdirSync(folder)]).toEqual(["left", []]);
  });

  it("leaves a file that came to the place of a deleted one", async () => {
    const run = await newRun();
    const path = put(newFolder(), "a.png", OLD);
    const change = await run.deleting(path);
    writeFileSync(path, "another");
    expect([await takeBack(run.folder, change), text(path)]).toEqual(["left", "another"]);
  });

  it("throws for a copy that is damaged, and leaves the file as it is", async () => {
    const run = await newRun();
    const path = put(newFolder(), "a.png", NEW);
    await run.replacing(path, OLD, digest(NEW));
    truncateSync(join(run.folder, digest(OLD)), 3);
    const change = (await lastRun(join(run.folder, "..")))?.changes[0] as Change;
    await expect(takeBack(run.folder, change)).rejects.toThrow("damaged");
    expect(text(path)).toBe(NEW.toString());
  });

  it("throws for a copy that is gone", async () => {
    const run = await newRun();
    const path = put(newFolder(), "a.png", OLD);
    const change = await run.deleting(path);
    rmSync(path);
    rmSync(run.folder, { recursive: true });
    await expect(takeBack(run.folder, change)).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe("an equal original", () => {
  it("is kept once, and its copy is never opened again", async () => {
    const run = await Journal.begin(home(), 1);
    await run.replacing("/w/a.png", OLD, digest(NEW));
    const copy = join(run.folder, digest(OLD));
    const { ino, mtimeNs } = statSync(copy, { bigint: true });
    await run.replacing("/w/b.png", OLD, digest(NEW));
    const after = statSync(copy, { bigint: true });
    expect([after.ino, after.mtimeNs]).toEqual([ino, mtimeNs]);
  });
});

describe("a crash at any point", () => {
  /** What one image goes through, step by step, as a run does it. */
  function stepsOf(
    run: Journal,
    folder: string,
    kind: string,
    name: string,
    bytes: Buffer,
  ): (() => Promise<unknown>)[] {
    const path = join(folder, `${name}.png`);
    const target = join(folder, `${name}.webp`);
    const after = digest(NEW);
    if (kind === "replaced") {
      return [() => run.replacing(path, bytes, after), () => replaceFile(path, NEW, digest(bytes))];
    }
    const created = [() => Promise.resolve(run.creating(target, path, after)), () => createFile(target, NEW, 0o644)];
    return kind === "created" ? created : [...created, () => run.deleting(path), () => rm(path)];
  }

  const image = fc.record({
    kind: fc.constantFrom("replaced", "created", "converted"),
    bytes: fc.constantFrom("one", "two", "two more").map((each) => Buffer.from(each)),
    isChanged: fc.boolean(),
  });

  it("is taken back to the originals, but for what others changed", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(image, { minLength: 1, maxLength: 4 }), fc.nat(16), async (images, crashAfter) => {
        const [folder, undo] = [newFolder(), home()];
        const run = await Journal.begin(undo, 1);
        images.forEach(({ bytes }, at) => put(folder, `${at}.png`, bytes));
        const steps = images.flatMap(({ kind, bytes }, at) => stepsOf(run, folder, kind, String(at), bytes));
        for (const step of steps.slice(0, crashAfter)) await step();
        images.forEach(({ isChanged }, at) => {
          if (isChanged) put(folder, `${at}.png`, "changed by others");
        });
        await takeAllBack(undo);
        const expected = images.map(({ bytes, isChanged }) => (isChanged ? "changed by others" : bytes.toString()));
        expect(images.map((_image, at) => text(join(folder, `${at}.png`)))).toEqual(expected);
        expect(readdirSync(folder)).toHaveLength(images.length);
      }),
      { numRuns: 150 },
    );
  });

  it("is taken back the same a second time", async () => {
    const [folder, undo] = [newFolder(), home()];
    const run = await Journal.begin(undo, 1);
    put(folder, "a.png", OLD);
    for (const step of stepsOf(run, folder, "converted", "a", OLD)) await step();
    expect(await takeAllBack(undo)).toEqual(["restored", "restored"]);
    expect(await takeAllBack(undo)).toEqual(["nothing", "nothing"]);
    expect([readdirSync(folder), text(join(folder, "a.png"))]).toEqual([["a.png"], OLD.toString()]);
  });
});
