import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { digest } from "../../../src/images/writing.ts";
import { Journal, lastRun, pastRun } from "../../../src/run/journal.ts";
import { newFolder, put } from "../images/folder.ts";

const OLD = Buffer.from("the original");
const NEW = Buffer.from("new");
const home = (): string => join(newFolder(), "undo");

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

  it("forgets no run for one that changed nothing", async () => {
    const folder = home();
    for (let count = 1; count <= 10; count += 1) {
      const run = await Journal.begin(folder, count);
      run.creating("/w/a", "/w/b", "digest");
      await run.end();
    }
    await (await Journal.begin(folder, 11)).end();
    expect(readdirSync(folder)).toHaveLength(10);
  });

  it("keeps no more than 1 GiB of originals beside those of the last run", async () => {
    const folder = home();
    const kept: string[][] = [];
    for (const [nowMs, sizeBytes] of [
      [1, 2 ** 20],
      [2, 2 ** 29 - 1000],
      [3, 2 ** 29 - 1000],
      [4, 2 ** 31],
    ] as const) {
      const run = await Journal.begin(folder, nowMs);
      run.creating("/w/a", "/w/b", "digest");
      truncateSync(put(run.folder, "copy"), sizeBytes);
      await run.end();
      kept.push(readdirSync(folder).sort());
    }
    expect(kept).toEqual([["1"], ["1", "2"], ["2", "3"], ["4"]]);
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

  it("keeps a run that goes on in another window", async () => {
    const folder = home();
    const other = await Journal.begin(folder, 1);
    other.creating("/w/a", "/w/b", "digest");
    await other.end();
    writeFileSync(join(other.folder, "owner"), String(process.ppid));
    for (let count = 2; count <= 15; count += 1) {
      const run = await Journal.begin(folder, count);
      run.creating("/w/a", "/w/b", "digest");
      await run.end();
    }
    expect(existsSync(other.folder)).toBe(true);
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

describe("deleting", () => {
  it("lets a file stay that is not what it was, and a link", async () => {
    const run = await Journal.begin(home(), 1);
    const folder = newFolder();
    const path = put(folder, "a.png", "now");
    symlinkSync(path, join(folder, "link.png"));
    const stays = [
      await run.deleting(path, digest(Buffer.from("then"))),
      await run.deleting(join(folder, "link.png"), digest(Buffer.from("now"))),
    ];
    expect([stays, run.isEmpty]).toEqual([[undefined, undefined], true]);
  });
});

describe("lastRun", () => {
  it("gives the newest run of several folders", async () => {
    const [manual, auto] = [home(), home()];
    for (const [folder, nowMs] of [
      [manual, 1],
      [auto, 30],
      [manual, 4],
    ] as const) {
      const run = await Journal.begin(folder, nowMs);
      run.creating("/w/1", "/w/x", "digest");
      await run.end();
    }
    expect((await lastRun(manual, auto))?.folder).toBe(join(auto, "30"));
  });

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
    await run.end();
    await Journal.begin(folder, 2);
    mkdirSync(join(folder, "3"));
    expect((await lastRun(folder))?.folder).toBe(join(folder, "1"));
  });

  it("gives the changes newest first", async () => {
    const folder = home();
    const run = await Journal.begin(folder, 1);
    for (const path of ["/w/1", "/w/2", "/w/3"]) run.creating(path, "/w/x", "digest");
    await run.end();
    expect((await lastRun(folder))?.changes.map(({ path }) => path)).toEqual(["/w/3", "/w/2", "/w/1"]);
  });

  it("gives the whole lines of a list that ends within one, wherever it was cut", async () => {
    const folder = home();
    const run = await Journal.begin(folder, 1);
    run.creating("/w/1", "/w/x", "digest");
    const list = join(run.folder, "changes.jsonl");
    const firstBytes = statSync(list).size;
    run.creating("/w/2", "/w/x", "digest");
    await run.end();
    const whole = readFileSync(list);
    for (let sizeBytes = firstBytes; sizeBytes < whole.length - 1; sizeBytes += 1) {
      writeFileSync(list, whole.subarray(0, sizeBytes));
      expect((await lastRun(folder))?.changes.map(({ path }) => path)).toEqual(["/w/1"]);
    }
  });
});

describe("pastRun", () => {
  it("gives the run of a folder, whatever came after it", async () => {
    const folder = home();
    const run = await Journal.begin(folder, 1);
    run.creating("/w/1", "/w/x", "digest");
    await run.end();
    (await Journal.begin(folder, 2)).creating("/w/2", "/w/x", "digest");
    expect((await pastRun(run.folder))?.changes.map(({ path }) => path)).toEqual(["/w/1"]);
  });

  it("is none for a run that still goes on: what it writes next would have no journal", async () => {
    const run = await Journal.begin(home(), 1);
    run.creating("/w/1", "/w/x", "digest");
    const whileItRuns = await pastRun(run.folder);
    await run.end();
    expect([whileItRuns, (await pastRun(run.folder))?.changes.length]).toEqual([undefined, 1]);
  });

  it("is none for a run that goes on in another window, and is one when that has crashed", async () => {
    const folder = home();
    const run = await Journal.begin(folder, 1);
    run.creating("/w/1", "/w/x", "digest");
    await run.end();
    const own = (pid: number): void => {
      writeFileSync(join(run.folder, "owner"), String(pid));
    };
    own(process.ppid);
    const whileAlive = await pastRun(run.folder);
    own(spawnSync("true").pid);
    expect([whileAlive, (await pastRun(run.folder))?.changes.length]).toEqual([undefined, 1]);
  });

  it("is none for a run that was taken back already", async () => {
    expect(await pastRun(join(home(), "1"))).toBeUndefined();
  });
});
