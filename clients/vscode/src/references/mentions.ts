import { posix } from "node:path";

import { addressRun, closingOf, isNameEnd, isWhole, pathStarts } from "./bounds.ts";
import type { Run } from "./bounds.ts";
import { readings } from "./spelling.ts";
import { IMAGE_ENDINGS } from "./types.ts";

/** A path in a text that ends as an image's name does; offsets are those of its ending, in UTF-16 units. */
export interface Mention {
  start: number;
  end: number;
  /** What may have been written, likeliest first: where the path begins is not always sure, nor how it is spelled. */
  paths: readonly string[];
  /** Whether it is part of another host's address. */
  isRemote: boolean;
}

/**
 * Find the paths of images in a text that are wanted in one of their readings.
 *
 * `renamed` has the paths of all images that are looked for. Pass the same map for all files, unchanged: it is prepared
 * once.
 */
export function* mentions(
  text: string,
  renamed: ReadonlyMap<string, string>,
  isWanted: (path: string) => boolean,
): Generator<Mention> {
  let floor = 0;
  let run: Run = { end: 0, remote: false };
  for (const { index: dot, 0: ending } of text.matchAll(patternOf(renamed))) {
    const end = dot + ending.length;
    if (!isNameEnd(text, end)) continue;
    const closing = closingOf(text, end);
    const starts = pathStarts(text, floor, dot, closing);
    // A path holds no other image's name: so each part of the text is read for one path only.
    floor = end;
    const written = starts.map((start) => readings(text.slice(start, end)));
    if (!written.flat().some(isWanted)) continue;
    run = addressRun(text, dot, run);
    const [first] = starts;
    const whole = first !== undefined && isWhole(text, first, dot, closing);
    yield { start: dot, end, paths: (whole ? written.slice(0, 1) : written).flat(), isRemote: run.remote };
  }
}

/** Kept from one text file to the next. */
const patterns = new WeakMap<ReadonlyMap<string, string>, RegExp>();

/** Matches the endings of all images' names, so that a text is cut in the same places before and after an update. */
function patternOf(renamed: ReadonlyMap<string, string>): RegExp {
  let pattern = patterns.get(renamed);
  if (pattern === undefined) {
    const endings = new Set([...IMAGE_ENDINGS, ...[...renamed.keys()].map((path) => posix.extname(path))]);
    endings.delete("");
    // The longest first: `.tiff` before `.tif`.
    const longestFirst = [...endings].sort((one, other) => other.length - one.length);
    pattern = new RegExp(longestFirst.map((ending) => ending.replace(/\W/g, "\\$&")).join("|"), "gi");
    patterns.set(renamed, pattern);
  }
  return pattern;
}
