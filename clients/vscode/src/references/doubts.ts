import { posix } from "node:path";

import { mentions } from "./mentions.ts";
import type { Places } from "./places.ts";
import { meaningIn } from "./targets.ts";

/**
 * The base names of renamed images that a text file mentions without any file lying where it says: in an address, which
 * may be the site's own, by backslashes, or by a path that only a framework can follow; or where its new ending would
 * make it mean another file. Such a mention is not changed by `findEdits`, and may mean one of the images. Arguments are
 * those of `findEdits`.
 */
export function findDoubts(
  file: string,
  text: string,
  renamed: ReadonlyMap<string, string>,
  places: Places,
): Set<string> {
  const names = namesOf(renamed);
  const meaning = meaningIn(file, renamed, places);
  const doubts = new Set<string>();
  const isWanted = (path: string): boolean => names.has(baseName(path)) && !doubts.has(baseName(path));
  for (const { paths, isRemote } of mentions(text, renamed, isWanted)) {
    if (!isRemote && meaning(paths).isSure) continue;
    for (const path of paths) if (names.has(baseName(path))) doubts.add(baseName(path));
  }
  return doubts;
}

/** Kept from one text file to the next. */
const knownNames = new WeakMap<ReadonlyMap<string, string>, ReadonlySet<string>>();

function namesOf(renamed: ReadonlyMap<string, string>): ReadonlySet<string> {
  let names = knownNames.get(renamed);
  if (names === undefined) {
    names = new Set([...renamed.keys()].map((path) => posix.basename(path)));
    knownNames.set(renamed, names);
  }
  return names;
}

/** The name that a path ends with, be it one of Windows. */
function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
}
