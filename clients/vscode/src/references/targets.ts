import { posix } from "node:path";

import { placesFor } from "./places.ts";
import type { Places } from "./places.ts";

/** What a written path means. */
export interface Meaning {
  /** The new path of the renamed image that is meant and can be named by the new ending. */
  target?: string;
  /** Whether that, or a file that keeps its name, is surely meant; else the path may mean a renamed image. */
  isSure: boolean;
}

/** Gives what a path written in the text file `file` means; of it, `paths` has the readings, likeliest first. */
export function meaningIn(
  file: string,
  renamed: ReadonlyMap<string, string>,
  places: Places,
): (paths: readonly string[]) => Meaning {
  const placesOf = placesFor(file, places.roots);
  const isThere = (path: string): boolean => places.exists(path);
  return (paths) => {
    const possible = paths.flatMap(placesOf);
    const taken = possible.findIndex((path) => renamed.has(path));
    const target = renamed.get(possible[taken] ?? "");
    // The disk is asked only about what comes before a renamed image.
    if (target === undefined) return { isSure: possible.some(isThere) };
    const before = possible.slice(0, taken);
    if (before.some(isThere)) return { isSure: true };
    // With the new ending, a likelier reading must not mean another file.
    const after = before.map((path) => withEndingOf(path, target));
    return after.some((path) => isResult(renamed, path) || isThere(path))
      ? { isSure: false }
      : { target, isSure: true };
  };
}

/** Kept from one text file to the next. */
const knownResults = new WeakMap<ReadonlyMap<string, string>, ReadonlySet<string>>();

function isResult(renamed: ReadonlyMap<string, string>, path: string): boolean {
  let results = knownResults.get(renamed);
  if (results === undefined) knownResults.set(renamed, (results = new Set(renamed.values())));
  return results.has(path);
}

function withEndingOf(path: string, target: string): string {
  return path.slice(0, path.length - posix.extname(path).length) + posix.extname(target);
}
