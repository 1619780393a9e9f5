import { createHash, randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { access, link, lstat, open, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

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
 * Whatever happens meanwhile, the file is whole, the old or the new one, and keeps its mode. A link stays a link: the
 * file that it leads to is replaced.
 */
export async function replaceFile(path: string, bytes: Uint8Array, expectedDigest: string): Promise<boolean> {
  const target = await realpath(path);
  const { mode } = await stat(target);
  return withPart(target, bytes, mode & 0o7777, async (part) => {
    if ((await digestOfFile(target)) !== expectedDigest) return false;
    await rename(part, target);
    return true;
  });
}

/** Write a new file in one step; false where something lies there already, which is left alone. */
export async function createFile(path: string, bytes: Uint8Array, mode = 0o644): Promise<boolean> {
  return withPart(path, bytes, mode, async (part) => {
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

async function withPart(
  path: string,
  bytes: Uint8Array,
  mode: number,
  use: (part: string) => Promise<boolean>,
): Promise<boolean> {
  // Names may have 255 bytes, and a character three or four.
  const part = join(dirname(path), `.${basename(path).slice(0, 20)}.${randomUUID()}.minipic-part`);
  try {
    const file = await open(part, "wx", 0o600);
    try {
      await file.writeFile(bytes);
      await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    return await use(part);
  } finally {
    await rm(part, { force: true });
  }
}
