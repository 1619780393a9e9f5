import { findEdits } from "../../../src/references/edits.ts";
import type { Edit } from "../../../src/references/edits.ts";

/** A workspace of which only the paths count. */
export interface Workspace {
  /** Paths of images that were converted to WebP. */
  images: readonly string[];
  /** Paths of other files. */
  files?: readonly string[];
  roots?: readonly string[];
}

export function toWebp(images: readonly string[]): Map<string, string> {
  return new Map(images.map((path) => [path, path.replace(/\.[^.]+$/, ".webp")]));
}

export function reversed(renamed: ReadonlyMap<string, string>): Map<string, string> {
  return new Map([...renamed].map(([old, now]) => [now, old]));
}

export function applied(text: string, edits: readonly Edit[]): string {
  return edits.reduceRight((after, { start, end, text }) => after.slice(0, start) + text + after.slice(end), text);
}

/** The text after the references in it were updated. */
export function updated(file: string, text: string, { images, files = [], roots = ["/w"] }: Workspace): string {
  const taken = new Set([...images, ...files]);
  return applied(text, findEdits(file, text, toWebp(images), { roots, exists: (path) => taken.has(path) }));
}
