import { constants } from "node:fs";
import { access, readdir, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { isImage } from "./formats.ts";

/** A file or folder that somebody chose, and the folder that patterns are relative to. */
export interface Choice {
  path: string;
  root: string;
}

/**
 * The images among what was chosen: files as they are, folders with all that is below them, each once, sorted.
 *
 * What is chosen by name is wanted even where a pattern leaves it out; what a chosen folder holds is judged by its path
 * in the workspace, or in that folder where the folder itself is left out. Links are not followed inside folders.
 * Throws what the file system throws for a choice that cannot be read.
 */
export async function findImages(
  choices: readonly Choice[],
  isExcluded: (relativePath: string) => boolean,
  signal: AbortSignal,
): Promise<string[]> {
  const found = new Set<string>();
  for (const { path, root } of choices) {
    if ((await stat(path)).isDirectory()) {
      await access(path, constants.R_OK);
      const below = slashed(relative(root, path));
      const isChosenAgainstPattern = below !== "" && isExcluded(below);
      for await (const file of filesBelow(path, isChosenAgainstPattern ? path : root, isExcluded, signal)) {
        if (isImage(file)) found.add(file);
      }
    } else if (isImage(path)) {
      found.add(path);
    }
  }
  return [...found].sort();
}

/**
 * The files below a folder that no pattern leaves out, in the order of names, each folder's own before those below.
 *
 * `isExcluded` is an `exclusion`, asked with paths relative to `root`. Links are not followed; a folder below that cannot
 * be read is passed over. Throws the signal's reason when it aborts.
 */
export async function* filesBelow(
  folder: string,
  root: string,
  isExcluded: (relativePath: string) => boolean,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const waiting = [folder];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    signal.throwIfAborted();
    const entries = await readdir(next, { withFileTypes: true }).catch(() => []);
    const inside: string[] = [];
    for (const entry of entries.sort((one, other) => (one.name < other.name ? -1 : 1))) {
      const path = join(next, entry.name);
      const below = slashed(relative(root, path));
      if (!(entry.isDirectory() || entry.isFile()) || isExcluded(below)) continue;
      if (entry.isDirectory()) inside.push(path);
      else yield path;
    }
    waiting.push(...inside.reverse());
  }
}

function slashed(path: string): string {
  return sep === "/" ? path : path.replaceAll(sep, "/");
}
