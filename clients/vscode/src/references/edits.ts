import { posix } from "node:path";

import { addressRun, closingOf, isNameEnd, isWhole, pathStarts } from "./bounds.ts";
import type { Run } from "./bounds.ts";
import { pathEnd, pathEnds, placesFor } from "./places.ts";
import type { Places } from "./places.ts";
import { readings } from "./spelling.ts";
import { IMAGE_ENDINGS, typeEdits } from "./types.ts";

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
  const { pattern, ends } = prepared(renamed);
  const target = targetFinder(file, renamed, places);
  const edits: Edit[] = [];
  let floor = 0;
  let run: Run = { end: 0, remote: false };
  for (const { index: dot, 0: ending } of text.matchAll(pattern)) {
    const end = dot + ending.length;
    if (!isNameEnd(text, end)) continue;
    const closing = closingOf(text, end);
    const starts = pathStarts(text, floor, dot, closing);
    // A path holds no other image's name: so each part of the text is read for one path only.
    floor = end;
    const written = starts.map((start) => readings(text.slice(start, end)));
    if (!written.flat().some((path) => ends.has(pathEnd(path)))) continue;
    run = addressRun(text, dot, run);
    if (run.remote) continue;
    const [first] = starts;
    const whole = first !== undefined && isWhole(text, first, dot, closing);
    const found = target(whole ? written.slice(0, 1) : written);
    if (found !== undefined) edits.push({ start: dot, end, text: posix.extname(found) });
  }
  return [...edits, ...typeEdits(text, edits)].sort((one, other) => one.start - other.start);
}

interface Prepared {
  /** Matches the endings of all images' names, so that a text is cut in the same places before and after an update. */
  pattern: RegExp;
  /** What the path of a renamed image may end with. */
  ends: ReadonlySet<string>;
}

/** Kept from one text file to the next. */
const preparations = new WeakMap<ReadonlyMap<string, string>, Prepared>();

function prepared(renamed: ReadonlyMap<string, string>): Prepared {
  let preparation = preparations.get(renamed);
  if (preparation === undefined) {
    const paths = [...renamed.keys()];
    const endings = new Set([...IMAGE_ENDINGS, ...paths.map((path) => posix.extname(path))]);
    endings.delete("");
    // The longest first: `.tiff` before `.tif`.
    const longestFirst = [...endings].sort((one, other) => other.length - one.length);
    const pattern = new RegExp(longestFirst.map((ending) => ending.replace(/\W/g, "\\$&")).join("|"), "gi");
    preparation = { pattern, ends: pathEnds(paths) };
    preparations.set(renamed, preparation);
  }
  return preparation;
}

/** Gives the new path of the file that a written path means, of which `written` has the readings, longest first. */
function targetFinder(
  file: string,
  renamed: ReadonlyMap<string, string>,
  places: Places,
): (written: readonly string[][]) => string | undefined {
  const placesOf = placesFor(file, places.roots);
  const known = new Map<string, string | undefined>();
  return (written) => {
    const readingsOfAll = written.flat();
    const key = readingsOfAll.join("\n");
    if (known.has(key)) return known.get(key);
    const possible = readingsOfAll.flatMap(placesOf);
    const taken = possible.findIndex((path) => renamed.has(path));
    // The disk is asked only about what comes before a renamed image.
    const isMeant = taken >= 0 && !possible.slice(0, taken).some((path) => places.exists(path));
    const target = isMeant ? renamed.get(possible[taken] ?? "") : undefined;
    known.set(key, target);
    return target;
  };
}
