/** Which files are images, and which name ending belongs to which media type. */

const ENDINGS = new Map([
  ["image/png", ".png"],
  ["image/jpeg", ".jpg"],
  ["image/webp", ".webp"],
  ["image/gif", ".gif"],
  ["image/avif", ".avif"],
  ["image/tiff", ".tiff"],
]);
const ALIASES = new Map([
  [".jpeg", ".jpg"],
  [".tif", ".tiff"],
]);
const ENDING = /\.(?:png|jpe?g|webp|gif|avif|tiff?)$/i;

export function isImage(path: string): boolean {
  return ENDING.test(path);
}

/** The usual ending of a media type, with its dot; undefined for a type that the extension does not write. */
export function endingOfType(type: string): string | undefined {
  return ENDINGS.get(type);
}

/** The usual ending of a format as the settings name it (`webp`, `jpeg`); undefined for `keep`. */
export function endingOfFormat(format: string): string | undefined {
  return ENDINGS.get(`image/${format}`);
}

/** Whether an image's name already has this ending, in any spelling (`.JPEG` for `.jpg`). */
export function hasEnding(path: string, ending: string): boolean {
  const own = ENDING.exec(path)?.[0].toLowerCase() ?? "";
  return (ALIASES.get(own) ?? own) === ending;
}

/** The image's path with another ending. */
export function withEnding(path: string, ending: string): string {
  return path.replace(ENDING, ending);
}

const ascii = (bytes: Uint8Array, start: number, end: number): string =>
  String.fromCharCode(...bytes.subarray(start, end));

/** Whether the bytes begin as an image of this media type does, so that no error page is ever written as a picture. */
export function looksLike(bytes: Uint8Array, type: string): boolean {
  switch (type) {
    case "image/png":
      return ascii(bytes, 0, 8) === "\x89PNG\r\n\x1a\n";
    case "image/jpeg":
      return ascii(bytes, 0, 3) === "\xff\xd8\xff";
    case "image/webp":
      return ascii(bytes, 0, 4) === "RIFF" && ascii(bytes, 8, 12) === "WEBP";
    case "image/gif":
      return ascii(bytes, 0, 4) === "GIF8";
    case "image/avif": // a box `ftyp` with the brand, which need not be the first one
      return ascii(bytes, 4, 8) === "ftyp" && /avi[fs]/.test(ascii(bytes, 8, 64));
    case "image/tiff": // classic and big, in either order of bytes
      return /^(?:II[*+]\0|MM\0[*+])/.test(ascii(bytes, 0, 4));
    default:
      return false;
  }
}
