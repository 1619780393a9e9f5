import { createHash, randomUUID } from "node:crypto";
import { constants } from "node:fs";
import {
  access,
  type FileHandle,
  link,
  lstat,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
} from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";

/** Files in the making that are older were left by a process that was killed. */
const LEFT_BEHIND_MS = 3_600_000;
const PART = /^\.[^]{0,20}\.[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\.minipic-part$/;
/** Waits between tries to replace a file that another program holds open, as scanners do for moments. */
const HELD_WAITS_MS = [20, 50, 100, 200, 400, 800];
/** Folders looked through for files that were left behind. */
const swept = new Set<string>();

export function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The digest of a file; undefined where there is none that can be read. */
export async function digestOfFile(path: string): Promise<string | undefined> {
  return readFile(path).then(digest, () => undefined);
}

/** Whether something lies at a path, be it a link that leads nowhere. */
export async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/** Whether the file's permissions let it be changed: a rename over it would not ask. */
export async function isWritable(path: string): Promise<boolean> {
  return access(path, constants.W_OK).then(
    () => true,
    () => false,
  );
}

/**
 * Replace a file in one step, if it still has the digest given; tell whether it was replaced.
 *
 * Whatever happens meanwhile, the file is whole, the old or the new one, and keeps its mode and, as far as that is
 * allowed, its owner and group. A link stays a link: the file that it leads to is replaced.
 */
export async function replaceFile(path: string, bytes: Uint8Array, expectedDigest: string): Promise<boolean> {
  const target = await realpath(path);
  return withPart(target, bytes, await stat(target), async (part) => {
    for (let tries = 0; ; tries += 1) {
      if ((await digestOfFile(target)) !== expectedDigest) return false;
      try {
        await rename(part, target);
        return true;
      } catch (error) {
        const waitMs = isHeld(error) ? HELD_WAITS_MS[tries] : undefined;
        if (waitMs === undefined) throw error;
        await setTimeout(waitMs);
      }
    }
  });
}

/** Write a new file in one step; false where something lies there already, which is left alone. */
export async function createFile(path: string, bytes: Uint8Array, mode = 0o644): Promise<boolean> {
  return withPart(path, bytes, { mode }, async (part) => {
    try {
      await link(part, path);
      return true;
    } catch (error) {
      if (hasCode(error, "EEXIST")) return false;
      // Some file systems have no links: there the check and the rename are two steps.
      if (await exists(path)) return false;
      await rename(part, path);
      return true;
    }
  });
}

/** Whether an error of the file system has this code, such as ENOENT. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

/** Whether a file could not be replaced because a program has it open: Windows alone refuses that. */
function isHeld(error: unknown): boolean {
  return process.platform === "win32" && ["EPERM", "EACCES", "EBUSY"].some((code) => hasCode(error, code));
}

/** Whose a file is, and who may use it. */
interface Rights {
  mode: number;
  uid?: number;
  gid?: number;
}

async function withPart(
  path: string,
  bytes: Uint8Array,
  rights: Rights,
  use: (part: string) => Promise<boolean>,
): Promise<boolean> {
  const folder = dirname(path);
  await sweep(folder);
  // Names may have 255 bytes, and a character three or four.
  const part = join(folder, `.${basename(path).slice(0, 20)}.${randomUUID()}.minipic-part`);
  try {
    const file = await open(part, "wx", 0o600);
    try {
      await file.writeFile(bytes);
      await takeOwner(file, rights);
      await file.chmod(rights.mode & 0o7777);
      await file.sync();
    } finally {
      await file.close();
    }
    return await use(part);
  } finally {
    // What another program holds open is left to a later sweep: the work itself is done.
    await rm(part, { force: true }).catch(() => undefined);
  }
}

/** Give a file an owner and a group, or the group alone: only root gives files away. */
async function takeOwner(file: FileHandle, { uid, gid }: Rights): Promise<void> {
  if (uid === undefined || gid === undefined) return;
  await file.chown(uid, gid).catch(() => file.chown(-1, gid).catch(() => undefined));
}

/** Delete what killed processes left in a folder, once in a session: no other moment sees all those folders. */
async function sweep(folder: string): Promise<void> {
  if (swept.has(folder)) return;
  swept.add(folder);
  try {
    for (const name of await readdir(folder)) {
      if (!PART.test(name)) continue;
      const part = join(folder, name);
      if (Date.now() - (await stat(part)).mtimeMs > LEFT_BEHIND_MS) await rm(part);
    }
  } catch {
    // Another window may sweep here, too; and what cannot be written tells of itself.
  }
}
