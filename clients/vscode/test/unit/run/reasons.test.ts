import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { digest } from "../../../src/images/writing.ts";
import { compressAll, type Wish } from "../../../src/run/compress.ts";
import type { Outcome } from "../../../src/run/outcome.ts";
import { bundled, newFolder, printed, put } from "../images/folder.ts";
import { type Answer, forgetful, givesSmall, newTrial, picture, PNG, SMALL, type Trial, WISH } from "./run.ts";

const JPEG = picture("image/jpeg", 900);
const givesLarger: Answer = () => Promise.resolve({ bytes: picture("image/png", 2000), type: "image/png" });

/** What became of one file, and what was paid for it. */
async function skipped(trial: Trial, path: string, wish: Partial<Wish> = {}): Promise<[Outcome[], number]> {
  const report = await compressAll([path], { ...WISH, ...wish }, trial.run);
  return [[...report.outcomes], trial.sent.length];
}

function because(path: string, why: string): Outcome[] {
  return [{ kind: "skipped", path, why } as Outcome];
}

describe("before anything is paid, a file is skipped", () => {
  it("that is above the limit", async () => {
    const path = put(newFolder(), "a.png", PNG);
    expect(await skipped(await newTrial(givesSmall), path, { maxSizeBytes: 999 })).toEqual([
      because(path, "tooLarge"),
      0,
    ]);
  });

  it("never for a size that is just the limit", async () => {
    const path = put(newFolder(), "a.png", PNG);
    const [, paid] = await skipped(await newTrial(givesSmall), path, { maxSizeBytes: 1000 });
    expect(paid).toBe(1);
  });

  it("that is empty", async () => {
    const path = put(newFolder(), "a.png", "");
    expect(await skipped(await newTrial(givesSmall), path)).toEqual([because(path, "empty"), 0]);
  });

  it("that is gone", async () => {
    const path = join(newFolder(), "a.png");
    expect(await skipped(await newTrial(givesSmall), path)).toEqual([because(path, "gone"), 0]);
  });

  it("that another run has in work", async () => {
    const path = put(newFolder(), "a.png", PNG);
    const trial = await newTrial(givesSmall);
    trial.run.inWork.add(path);
    expect(await skipped(trial, path)).toEqual([because(path, "inWork"), 0]);
    expect(trial.run.inWork).toEqual(new Set([path]));
  });

  it("that is a result of the same settings", async () => {
    const path = put(newFolder(), "a.png", PNG);
    const trial = await newTrial(givesSmall);
    await skipped(trial, path);
    expect(await skipped(trial, path)).toEqual([because(path, "alreadyDone"), 1]);
  });

  it("that was found not to shrink with the same settings", async () => {
    const path = put(newFolder(), "a.png", PNG);
    const trial = await newTrial(givesLarger);
    await skipped(trial, path);
    expect(await skipped(trial, path)).toEqual([because(path, "alreadyDone"), 1]);
  });

  it("that is the extension's own, when nobody asked for it", async () => {
    const path = put(newFolder(), "a.png", PNG);
    const known = forgetful();
    known.own(digest(PNG));
    const trial = await newTrial(givesSmall, known);
    expect(await skipped(trial, path, { isAuto: true })).toEqual([because(path, "alreadyDone"), 0]);
  });

  it("that is read-only", async () => {
    const folder = newFolder();
    const path = put(folder, "a.png", PNG, 0o444);
    mkdirSync(join(folder, "undo"));
    const script = bundled(
      folder,
      `import { compressAll } from "src/run/compress.ts";
       const [path] = process.argv.slice(2);
       const never = new AbortController().signal;
       const client = { compress: () => { console.log("paid"); return Promise.reject(new Error()); } };
       const known = { save() {}, isSettled: () => false, isOwn: () => false };
       const run = { client, known, inWork: new Set(), stop: never, signal: never, report: (one) => console.log(one.why) };
       void compressAll([path], { format: "keep", maxSizeBytes: 1e6, concurrency: 1 }, run as never);`,
    );
    expect(await printed(script, path)).toBe("readOnly");
  });
});

describe("what is known", () => {
  it("is no reason for another quality", async () => {
    const path = put(newFolder(), "a.png", PNG);
    const trial = await newTrial(givesSmall);
    await skipped(trial, path);
    const [outcomes] = await skipped(trial, path, { quality: "extreme" });
    expect([outcomes, trial.sent.length]).toEqual([because(path, "notSmaller"), 2]);
  });

  it("is no reason for another format", async () => {
    const path = put(newFolder(), "a.jpg", JPEG);
    const trial = await newTrial(givesSmall);
    trial.run.known.settle(digest(JPEG), "smart");
    const [outcomes] = await skipped(trial, path, { format: "png" });
    expect(outcomes).toMatchObject([{ kind: "compressed" }]);
  });

  it("is no reason for an own file that somebody asked for", async () => {
    const path = put(newFolder(), "a.png", PNG);
    const trial = await newTrial(givesSmall);
    trial.run.known.own(digest(PNG));
    const [outcomes] = await skipped(trial, path);
    expect(outcomes).toMatchObject([{ kind: "compressed" }]);
  });

  it("has the result before the file has, as auto-compress may hear of the file at once", async () => {
    const path = put(newFolder(), "a.png", PNG);
    const trial = await newTrial(givesSmall);
    const replacing = trial.run.journal.replacing.bind(trial.run.journal);
    const wasKnown: boolean[] = [];
    trial.run.journal.replacing = (...change) => {
      wasKnown.push(trial.run.known.isOwn(digest(SMALL)));
      return replacing(...change);
    };
    await skipped(trial, path);
    expect(wasKnown).toEqual([true]);
  });
});

describe("a paid result is not written", () => {
  it("where it is no smaller", async () => {
    const path = put(newFolder(), "a.png", PNG);
    expect(await skipped(await newTrial(givesLarger), path)).toEqual([because(path, "notSmaller"), 1]);
    expect(readFileSync(path)).toEqual(PNG);
  });

  it("where it has just the size of the original", async () => {
    const path = put(newFolder(), "a.png", PNG);
    const answer: Answer = () => Promise.resolve({ bytes: picture("image/png", 1000, "y"), type: "image/png" });
    expect(await skipped(await newTrial(answer), path)).toEqual([because(path, "notSmaller"), 1]);
    expect(readFileSync(path)).toEqual(PNG);
  });

  it("where the file was changed meanwhile", async () => {
    const path = put(newFolder(), "a.png", PNG);
    const trial = await newTrial((bytes, signal) => {
      writeFileSync(path, "changed");
      return givesSmall(bytes, signal);
    });
    expect(await skipped(trial, path)).toEqual([because(path, "changedMeanwhile"), 1]);
    expect(readFileSync(path, "utf8")).toBe("changed");
  });

  it("where the file was deleted meanwhile", async () => {
    const path = put(newFolder(), "a.png", PNG);
    const trial = await newTrial((bytes, signal) => {
      rmSync(path);
      return givesSmall(bytes, signal);
    });
    expect(await skipped(trial, path)).toEqual([because(path, "gone"), 1]);
    expect(existsSync(path)).toBe(false);
  });
});

describe("a link", () => {
  it("has what it leads to compressed", async () => {
    const folder = newFolder();
    const real = put(folder, "real.png", PNG);
    const path = join(folder, "a.png");
    symlinkSync(real, path);
    await skipped(await newTrial(givesSmall), path);
    expect(readFileSync(real)).toEqual(SMALL);
  });
});
