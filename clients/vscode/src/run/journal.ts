import { appendFileSync } from "node:fs";
import { lstat, mkdir, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { createFile, digest, digestOfFile, hasCode, replaceFile } from "../images/writing.ts";

/**
 * One change of a file, written down before it is made, so that a crash at any moment leaves it reversible.
 * `copy` names the original's copy in the run's folder; `after` is the digest of what was written.
 */
export type Change =
  | { kind: "replaced"; path: string; copy: string; before: string; after: string }
  | { kind: "created"; path: string; from: string; after: string }
  /** What referred to `from` refers to `path` now, which a run before created: written down afterwards. */
  | { kind: "referred"; path: string; from: string; after: string }
  | { kind: "deleted"; path: string; copy: string; before: string; mode: number };

const RUNS_KEPT = 10;
/** Older runs are forgotten when all take more, but never the last. */
const KEPT_BYTES = 2 ** 30;
const LIST = "changes.jsonl";
/** Has the number of the process in which a run goes on: other windows leave its folder alone. */
const OWNER = "owner";
/** Folders of runs that go on in this process: what they keep is needed, however many runs end meanwhile. */
const ongoing = new Set<string>();

/** The changes of one run, in a folder of its own. */
export class Journal {
  readonly folder: string;
  #count = 0;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Begin the journal of a run below `home`. */
  static async begin(home: string, nowMs: number): Promise<Journal> {
    await mkdir(home, { recursive: true });
    const older = await runFolders(home);
    for (let name = Math.max(nowMs, Number(older.at(-1) ?? 0) + 1); ; name += 1) {
      const folder = join(home, String(name));
      try {
        await mkdir(folder);
        ongoing.add(folder);
        await writeFile(join(folder, OWNER), String(process.pid));
        return new Journal(folder);
      } catch (error) {
        // Another run began in this very millisecond.
        if (!hasCode(error, "EEXIST")) throw error;
      }
    }
  }

  /** Whether nothing was changed. */
  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** Keep the original of a file that is about to be replaced. */
  async replacing(path: string, original: Uint8Array, after: string): Promise<void> {
    const before = digest(original);
    this.#write({ kind: "replaced", path, copy: await this.#keep(original, before), before, after });
  }

  /** Note a file that is about to be made from another. */
  creating(path: string, from: string, after: string): void {
    this.#write({ kind: "created", path, from, after });
  }

  /** Note that references were changed to a file that a run before made. */
  referring(path: string, from: string, after: string): void {
    this.#write({ kind: "referred", path, from, after });
  }

  /**
   * Keep a file that is about to be deleted; undefined for one that must stay: it no longer has the digest given, or is
   * a link, which could not be brought back as one.
   */
  async deleting(path: string, before: string): Promise<Change | undefined> {
    const status = await lstat(path);
    if (!status.isFile()) return undefined;
    const original = await readFile(path);
    if (digest(original) !== before) return undefined;
    const copy = await this.#keep(original, before);
    return this.#write({ kind: "deleted", path, copy, before, mode: status.mode & 0o7777 });
  }

  /** End the run: kept to be taken back, unless nothing was changed. The oldest runs that have ended are forgotten. */
  async end(): Promise<void> {
    ongoing.delete(this.folder);
    await rm(join(this.folder, OWNER), { force: true });
    if (this.isEmpty) await rm(this.folder, { recursive: true, force: true });
    else await forgetOldest(dirname(this.folder));
  }

  async #keep(original: Uint8Array, name: string): Promise<string> {
    // In one step: an equal original may be kept there already, which a crash must not leave half written.
    await createFile(join(this.folder, name), original, 0o600);
    return name;
  }

  #write(change: Change): Change {
    appendFileSync(join(this.folder, LIST), `${JSON.stringify(change)}\n`, { flush: true });
    this.#count += 1;
    return change;
  }
}

/** A run that can be taken back: its folder and its changes, newest first. */
export interface PastRun {
  folder: string;
  changes: Change[];
}

/** The newest run in these folders of runs that can be taken back; undefined where there is none. */
export async function lastRun(...homes: string[]): Promise<PastRun | undefined> {
  const lists = await Promise.all(homes.map(async (home) => (await runFolders(home)).map((name) => join(home, name))));
  const newestFirst = lists.flat().sort((one, other) => Number(basename(other)) - Number(basename(one)));
  for (const folder of newestFirst) {
    const run = await pastRun(folder);
    if (run !== undefined) return run;
  }
  return undefined;
}

/** The run with this folder; undefined where it still goes on, was taken back already, or is forgotten. */
export async function pastRun(folder: string): Promise<PastRun | undefined> {
  if (await isOngoing(folder)) return undefined;
  const changes = parseChanges(await readFile(join(folder, LIST), "utf8").catch(() => ""));
  return changes.length > 0 ? { folder, changes: changes.reverse() } : undefined;
}

/** What became of a change that was taken back: done, or left because the file was changed since. */
export type Taken = "restored" | "nothing" | "left";

/** Take one change back, unless the file is no longer as the run left it. Throws what the file system throws. */
export async function takeBack(folder: string, change: Change): Promise<Taken> {
  const now = await digestOfFile(change.path);
  if (change.kind === "referred") return "nothing";
  if (change.kind === "created") {
    if (now !== change.after) return now === undefined ? "nothing" : "left";
    await rm(change.path);
    return "restored";
  }
  if (now === change.before) return "nothing";
  const original = await readFile(join(folder, change.copy));
  if (digest(original) !== change.before) throw new Error("The original's copy is damaged.");
  if (change.kind === "replaced") {
    return now === change.after && (await replaceFile(change.path, original, now)) ? "restored" : "left";
  }
  return (await createFile(change.path, original, change.mode)) ? "restored" : "left";
}

/** Whether a run goes on, in this process or in another that is alive. */
async function isOngoing(folder: string): Promise<boolean> {
  if (ongoing.has(folder)) return true;
  const owner = Number(await readFile(join(folder, OWNER), "utf8").catch(() => ""));
  return owner > 0 && owner !== process.pid && isAlive(owner);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // It is somebody else's.
    return hasCode(error, "EPERM");
  }
}

async function forgetOldest(home: string): Promise<void> {
  const newestFirst = (await runFolders(home)).reverse();
  let keptBytes = 0;
  for (const [age, name] of newestFirst.entries()) {
    const folder = join(home, name);
    keptBytes += await sizeBytesOf(folder);
    const isForgotten = age > 0 && (age >= RUNS_KEPT || keptBytes > KEPT_BYTES);
    if (isForgotten && !(await isOngoing(folder))) await rm(folder, { recursive: true, force: true });
  }
}

async function sizeBytesOf(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const sizesBytes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizesBytes.reduce((sum, sizeBytes) => sum + sizeBytes, 0);
}

async function runFolders(home: string): Promise<string[]> {
  try {
    return (await readdir(home)).filter((name) => /^\d+$/.test(name)).sort((one, other) => Number(one) - Number(other));
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}

/** The last line may be half written, if the machine stopped there: its change was then not made. */
function parseChanges(text: string): Change[] {
  return text.split("\n").flatMap((line) => {
    try {
      return [JSON.parse(line) as Change];
    } catch {
      return [];
    }
  });
}
