/** Where a written path begins and ends, from the characters around it. */
import { unescaped } from "./spelling.ts";

/** Longest written path looked at, in UTF-16 units. */
const PATH_LIMIT = 2048;
/** Most beginnings tried for one path. */
const STARTS_LIMIT = 12;
/** Longest query, fragment or interpolation looked through, in UTF-16 units. */
const TAIL_LIMIT = 256;

/** Right behind a whole name there is none of these: `hero.jpgx`, `hero.jpg.bak`, `hero.jpg-old`, `hero.jpg%20old`. */
const NAME_GOES_ON = new RegExp(
  [
    String.raw`[\p{L}\p{N}\p{M}_~@+/]`,
    String.raw`-(?!->)`,
    String.raw`\.[\p{L}\p{N}_-]`,
    String.raw`%(?!2[23679Cc]|3[Ff])[0-9A-Za-z]`,
    String.raw`\\/`,
    String.raw`\\u(?!00[23])`,
  ].join("|"),
  "uy",
);

/** No path holds these unless encoded; a path begins behind them and nowhere before. */
const ENDS_WALK = new Set('\n\r\t"`<>|?*');
/** A path may begin behind these or hold them. */
const MAY_BEGIN = new Set(" \u00a0\u3000\ufeff=,;!&'“”‘’«»（）【】《》「」『』，。：；、！？");
const OPENING: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };
const CLOSING = new Set(Object.values(OPENING));
const PAIRS: Readonly<Record<string, string>> = { '"': '"', "'": "'", "`": "`", "<": ">", "(": ")" };

const ENDS_ADDRESS = new Set(" \n\r\t\"'`<>|\u00a0\u3000");
const QUOTE_ENTITY = /&(?:quot|apos|lt|gt|#34|#39);$/;
const REMOTE = /^data:|^[a-z][\w+.-]*:(?!:|[\w-]+=)|(?:^|[^\w.~)\]-])\/\//i;
const WHOLE = /^(?:[a-z][\w+.-]*:(?=\S)|\/|\.\.?\/|~?@\/|~\/)/i;

/** Whether a file's name ends at `end`, which lies behind its ending. */
export function isNameEnd(text: string, end: number): boolean {
  NAME_GOES_ON.lastIndex = end;
  return !NAME_GOES_ON.test(text);
}

/** The character that closes a path ending at `end`, behind its query and fragment. */
export function closingOf(text: string, end: number): string {
  if (text[end] === "\\") return text.charAt(end + 1);
  if (text[end] !== "?" && text[end] !== "#") return text.charAt(end);
  const tail = text.slice(end, end + TAIL_LIMIT);
  return /[\s"'`)<>]/.exec(tail)?.[0] ?? "";
}

/** Where the path with its ending's dot at `dot` may begin, farthest first; nothing before `floor`. */
export function pathStarts(text: string, floor: number, dot: number, closing: string): number[] {
  const starts: number[] = [];
  // Brackets closed within the path, of the kind that may enclose it.
  let closed = 0;
  const last = Math.max(floor, dot - PATH_LIMIT);
  for (let at = dot - 1; at >= last && starts.length < STARTS_LIMIT; at--) {
    const char = text.charAt(at);
    if (beginsBehind(text, at)) starts.unshift(at + 1);
    if (char === "}" && beginsWithSlash(text, at + 1)) return starts;
    if (text[at - 1] === "\\") continue;
    if (ENDS_WALK.has(char) || (char === "'" && closing === "'")) return starts;
    if (CLOSING.has(char) && char === closing) closed++;
    else if (OPENING[char] === closing && --closed < 0) return starts;
  }
  if (last === 0 && starts.length < STARTS_LIMIT) starts.unshift(0);
  return starts;
}

function beginsBehind(text: string, at: number): boolean {
  const char = text.charAt(at);
  if (MAY_BEGIN.has(char) || ENDS_WALK.has(char) || char in OPENING) return true;
  if (char === "}") return beginsWithSlash(text, at + 1);
  // Behind a word a colon makes it a scheme, but `[id]:x` and `image::x` are none.
  return char === ":" && !/[\w+.-]/.test(text.charAt(at - 1));
}

function beginsWithSlash(text: string, at: number): boolean {
  return text.startsWith("/", at) || text.startsWith("\\/", at);
}

/** Whether all between two quotes or brackets is one path, though it has spaces: `"./my hero.jpg"`. */
export function isWhole(text: string, start: number, dot: number, closing: string): boolean {
  if (PAIRS[text.charAt(start - 1)] !== closing) return false;
  const written = text.slice(start, dot);
  return WHOLE.test(written) && !written.includes(",");
}

/** The end of a path and whether the run of characters up to there, as addresses have them, names another host. */
export interface Run {
  end: number;
  remote: boolean;
}

/** Tell whether the path with its dot at `dot` is part of an address. `previous` is the answer for a path before. */
export function addressRun(text: string, dot: number, previous: Run): Run {
  let at = dot;
  // Brackets closed within the address: those belong to it.
  let closed = 0;
  while (at > previous.end && !endsAddress(text, at - 1)) {
    if (text[at - 1] === ")") closed++;
    else if (text[at - 1] === "(" && --closed < 0) break;
    at = beforeInterpolation(text, at - 1);
  }
  const goesOn = at <= previous.end && previous.remote;
  return { end: dot, remote: goesOn || REMOTE.test(unescaped(text.slice(Math.max(at, previous.end), dot))) };
}

function endsAddress(text: string, at: number): boolean {
  const char = text.charAt(at);
  if (char === ";") return QUOTE_ENTITY.test(text.slice(Math.max(0, at - 5), at + 1));
  if (char === ">" || char === "}") return beforeInterpolation(text, at) === at;
  return ENDS_ADDRESS.has(char);
}

/** The start of the interpolation that ends at `at`: `{{ x }}`, `${x}`, `<?= $x ?>`, `<%= x %>`; or `at`. */
function beforeInterpolation(text: string, at: number): number {
  const char = text.charAt(at);
  const first = Math.max(0, at - TAIL_LIMIT);
  if (char === ">" && (text[at - 1] === "?" || text[at - 1] === "%")) {
    const open = text.slice(first, at).lastIndexOf(`<${text.charAt(at - 1)}`);
    return open < 0 ? at : first + open;
  }
  if (char !== "}") return at;
  let depth = 0;
  for (let open = at; open >= first; open--) {
    if (text[open] === "}") depth++;
    else if (text[open] === "{" && --depth === 0) return open;
  }
  return at;
}
