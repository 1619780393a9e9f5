import { existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
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

/** The newest change of a run. */
async function changeOf(run: Journal): Promise<Change> {
  await run.end();
  const [change] = (await lastRun(join(run.folder, "..")))?.changes ?? [];
  if (change === undefined) throw new Error("The run has no change.");
  return change;
}

/** Take back all that the newest run's journal says. */
async function takeAllBack(folder: string): Promise<string[]> {
  const run = await lastRun(folder);
  const taken = [];
  for (const change of run?.changes ?? []) taken.push(await takeBack(run?.folder ?? "", change));
  return taken;
}

/** The note of a file that is about to be deleted as it is. */
async function deletionOf(run: Journal, path: string): Promise<Change> {
  const change = await run.deleting(path, digest(readFileSync(path)));
  if (change === undefined) throw new Error("the file must stay");
  return change;
}

describe("takeBack", () => {
  const newRun = (): Promise<Journal> => Journal.begin(home(), 1);

  it("puts a replaced file's bytes back, with its mode", async () => {
    const run = await newRun();
    const path = put(newFolder(), "a.png", OLD, 0o640);
    await run.replacing(path, OLD, digest(NEW));
    await replaceFile(path, NEW, digest(OLD));
    const change = await changeOf(run);
    expect([await takeBack(run.folder, change), text(path), statSync(path).mode & 0o7777]).toEqual([
      "restored",
      OLD.toString(),
      0o640,
    ]);
  });

  it("brings a deleted file back, with its mode", async () => {
    const run = await newRun();
    const path = put(newFolder(), "a.png", OLD, 0o600);
    const change = await deletionOf(run, path);
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
    const change = await changeOf(run);
    expect([await takeBack(run.folder, change), text(path)]).toEqual(["left", "changed"]);
    rmSync(path);
    expect([await takeBack(run.folder, change), readdirSync(folder)]).toEqual(["left", []]);
  });

  it("leaves a file that came to the place of a deleted one", async () => {
    const run = await newRun();
    const path = put(newFolder(), "a.png", OLD);
    const change = await deletionOf(run, path);
    writeFileSync(path, "another");
    expect([await takeBack(run.folder, change), text(path)]).toEqual(["left", "another"]);
  });

  it("throws for a copy that is damaged, and leaves the file as it is", async () => {
    const run = await newRun();
    const path = put(newFolder(), "a.png", NEW);
    await run.replacing(path, OLD, digest(NEW));
    truncateSync(join(run.folder, digest(OLD)), 3);
    const change = await changeOf(run);
    await expect(takeBack(run.folder, change)).rejects.toThrow("damaged");
    expect(text(path)).toBe(NEW.toString());
  });

  it("throws for a copy that is gone", async () => {
    const run = await newRun();
    const path = put(newFolder(), "a.png", OLD);
    const change = await deletionOf(run, path);
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
    const note = (): Promise<void> => {
      run.creating(target, path, after);
      return Promise.resolve();
    };
    const created = [note, () => createFile(target, NEW, 0o644)];
    return kind === "created" ? created : [...created, () => run.deleting(path, digest(bytes)), () => rm(path)];
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
        await run.end(); // the next process knows of no run that goes on
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
    await run.end();
    expect(await takeAllBack(undo)).toEqual(["restored", "restored"]);
    expect(await takeAllBack(undo)).toEqual(["nothing", "nothing"]);
    expect([readdirSync(folder), text(join(folder, "a.png"))]).toEqual([["a.png"], OLD.toString()]);
  });
});
