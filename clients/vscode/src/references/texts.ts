import { open } from "node:fs/promises";
import { extname } from "node:path";

import { filesBelow } from "../images/walk.ts";
import { readings } from "./spelling.ts";

/** Bytes of a file's beginning that tell text from other data. */
const SAMPLE_BYTES = 8000;
/** The editor gives no larger documents to extensions. */
const TEXT_LIMIT_BYTES = 50 * 1024 * 1024;

/**
 * Walk the text files below a folder, in the order of names: absolute paths of the file system.
 *
 * `isExcluded` is an `exclusion`, asked with paths relative to `root`. Links, what cannot be read, binary files and those
 * above 50 MiB are passed over. Throws the signal's reason when it aborts.
 */
export async function* textFiles(
  root: string,
  isExcluded: (relativePath: string) => boolean,
  signal: AbortSignal,
): AsyncGenerator<string> {
  for await (const path of filesBelow(root, root, isExcluded, signal)) {
    if (!(await isTextFile(path))) continue;
    signal.throwIfAborted();
    yield path;
  }
}

async function isTextFile(path: string): Promise<boolean> {
  try {
    const file = await open(path);
    try {
      if ((await file.stat()).size > TEXT_LIMIT_BYTES) return false;
      const { buffer, bytesRead } = await file.read(Buffer.alloc(SAMPLE_BYTES), 0, SAMPLE_BYTES, 0);
      const sample = buffer.subarray(0, bytesRead);
      return isUtf16(sample) || !sample.includes(0);
    } finally {
      await file.close();
    }
  } catch {
    return false;
  }
}

function isUtf16(bytes: Uint8Array): boolean {
  return (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
}

/** UTF-16 units of a name's stem that are compared, and the bytes they take at most when encoded. */
const TAIL_UNITS = 4;
const TAIL_BYTES = 64;

interface Tails {
  endings: readonly Buffer[];
  stems: ReadonlySet<string>;
}

const tailsOf = new WeakMap<readonly string[], Tails>();

/**
 * Quickly tell from a file's raw bytes whether it could hold one of the base names, in any spelling that `findEdits`
 * knows. Only the last letters of the names are compared: "no" is sure, "yes" is not. UTF-16 is always "yes".
 *
 * Pass the same array for all files: it is prepared once.
 */
export function mayRefer(bytes: Uint8Array, names: readonly string[]): boolean {
  if (isUtf16(bytes)) return true;
  let tails = tailsOf.get(names);
  if (tails === undefined) tailsOf.set(names, (tails = prepared(names)));
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const ending of tails.endings) {
    for (let at = buffer.indexOf(ending); at >= 0; at = buffer.indexOf(ending, at + ending.length)) {
      if (endsStem(buffer.subarray(Math.max(0, at - TAIL_BYTES), at), tails.stems)) return true;
    }
  }
  return false;
}

function prepared(names: readonly string[]): Tails {
  const endings = new Set(names.map((name) => extname(name)).filter((ending) => ending !== ""));
  const stems = names.map((name) => name.slice(0, name.length - extname(name).length).slice(-TAIL_UNITS));
  return { endings: [...endings].map((ending) => Buffer.from(ending)), stems: new Set(stems) };
}

function endsStem(before: Buffer, stems: ReadonlySet<string>): boolean {
  const text = before.toString();
  // Not UTF-8: which letters these bytes are depends on the editor's settings.
  if (text.slice(-TAIL_UNITS).includes("\ufffd")) return true;
  return readings(text).some((reading) => {
    for (let units = 1; units <= TAIL_UNITS; units++) if (stems.has(reading.slice(-units))) return true;
    return false;
  });
}
