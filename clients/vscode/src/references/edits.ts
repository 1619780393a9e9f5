import { posix } from "node:path";

import { mentions } from "./mentions.ts";
import { pathEnd, pathEnds } from "./places.ts";
import type { Places } from "./places.ts";
import { meaningIn } from "./targets.ts";
import { typeEdits } from "./types.ts";

export type { Places } from "./places.ts";

/** One replacement in a text; offsets in UTF-16 units, `end` exclusive. */
export interface Edit {
  start: number;
  end: number;
  text: string;
}

/**
 * Find where a text file refers to renamed images, and what to write instead.
 *
 * `file` and the paths of `renamed` (old to new, differing by their endings only) are absolute, with slashes. Gives
 * edits of endings, and of the `type` of HTML's tags that hold one; sorted, not overlapping. The same call with the
 * reversed map takes them back. Pass the same map for all files, unchanged: it is prepared once.
 */
export function findEdits(file: string, text: string, renamed: ReadonlyMap<string, string>, places: Places): Edit[] {
  const ends = endsOf(renamed);
  const meaning = meaningIn(file, renamed, places);
  const known = new Map<string, string | undefined>();
  const target = (paths: readonly string[]): string | undefined => {
    const key = paths.join("\n");
    if (!known.has(key)) known.set(key, meaning(paths).target);
    return known.get(key);
  };
  const edits: Edit[] = [];
  for (const { start, end, paths, isRemote } of mentions(text, renamed, (path) => ends.has(pathEnd(path)))) {
    const found = isRemote ? undefined : target(paths);
    if (found !== undefined) edits.push({ start, end, text: posix.extname(found) });
  }
  return [...edits, ...typeEdits(text, edits)].sort((one, other) => one.start - other.start);
}

/** Kept from one text file to the next. */
const knownEnds = new WeakMap<ReadonlyMap<string, string>, ReadonlySet<string>>();

/** What the path of a renamed image may end with. */
function endsOf(renamed: ReadonlyMap<string, string>): ReadonlySet<string> {
  let ends = knownEnds.get(renamed);
  if (ends === undefined) knownEnds.set(renamed, (ends = pathEnds([...renamed.keys()])));
  return ends;
}
