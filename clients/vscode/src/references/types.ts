import type { Edit } from "./edits.ts";

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".gif": "image/gif",
  ".avif": "image/avif",
  ".tif": "image/tiff",
  ".tiff": "image/tiff",
  ".webp": "image/webp",
};

/** The endings of images' names, in small letters, with their dot. */
export const IMAGE_ENDINGS: readonly string[] = Object.keys(MEDIA_TYPES);

const TAG = /<(?:source|link|object|embed|img)(?=[\s/])/gi;
const ATTRIBUTE = /[\s/]*([^\s"'<>/=]+)(?:\s*=\s*(?:\\?(["'])|(\{)|([^\s"'<>={]+)))?/y;
/** Longest expression of JSX looked through, in UTF-16 units. */
const EXPRESSION_LIMIT = 4096;

interface Span {
  start: number;
  end: number;
}

/**
 * Find the `type` attributes that must follow the changed paths of their tags: browsers pass over a source whose type
 * they don't know, and take its image for what the type says.
 *
 * `edits` are the changed endings of paths, sorted.
 */
export function typeEdits(text: string, edits: readonly Edit[]): Edit[] {
  const types: Edit[] = [];
  let next = 0;
  for (const { tag, type } of typedTags(text)) {
    const written = text.slice(type.start, type.end);
    let changed: string | undefined;
    for (let edit = edits[next]; edit !== undefined && edit.end <= tag.end; edit = edits[++next]) {
      const follows = edit.start >= tag.start && mediaType(text.slice(edit.start, edit.end)) === written;
      if (follows) changed ??= mediaType(edit.text);
    }
    if (changed !== undefined && changed !== written) types.push({ ...type, text: changed });
  }
  return types;
}

function mediaType(ending: string): string | undefined {
  return MEDIA_TYPES[ending.toLowerCase()];
}

function* typedTags(text: string): Generator<{ tag: Span; type: Span }> {
  TAG.lastIndex = 0;
  for (let found = TAG.exec(text); found !== null; found = TAG.exec(text)) {
    const { end, type } = readTag(text, TAG.lastIndex);
    if (type !== undefined) yield { tag: { start: found.index, end }, type };
    TAG.lastIndex = end;
  }
}

/** Reads attributes as far as they are some; nothing before `end` is read again, so that all stays linear. */
function readTag(text: string, from: number): { end: number; type: Span | undefined } {
  let end = from;
  let type: Span | undefined;
  for (;;) {
    ATTRIBUTE.lastIndex = end;
    const [whole, name, quote, brace, bare] = ATTRIBUTE.exec(text) ?? [];
    if (whole === undefined) return { end, type };
    const behind = end + whole.length;
    let value: Span = { start: behind - (bare ?? "").length, end: behind };
    end = behind;
    if (quote !== undefined) {
      const close = text.indexOf(quote, behind);
      if (close < 0) return { end, type };
      value = { start: behind, end: text[close - 1] === "\\" ? close - 1 : close };
      end = close + 1;
    } else if (brace !== undefined) {
      end = behindExpression(text, behind);
    }
    if (name?.toLowerCase() === "type" && brace === undefined) type ??= value;
  }
}

function behindExpression(text: string, from: number): number {
  const limit = Math.min(text.length, from + EXPRESSION_LIMIT);
  let depth = 1;
  for (let at = from; at < limit; at++) {
    if (text[at] === "{") depth++;
    else if (text[at] === "}" && --depth === 0) return at + 1;
  }
  return limit;
}
