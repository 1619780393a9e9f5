/** How text spells a path: escapes of strings, CSS and Markdown, HTML's character references, percent-encoding. */
const ESCAPE = /\\u([0-9a-fA-F]{4})|\\([^\w\s]| )|&#(\d{1,7});|&#[xX]([0-9a-fA-F]{1,6});|&(amp|quot|apos|lt|gt);/g;
const PERCENT_ENCODED = /(?:%[0-9a-fA-F]{2})+/g;
const ENTITIES: Readonly<Record<string, string>> = { amp: "&", quot: '"', apos: "'", lt: "<", gt: ">" };
const LAST_CODE_POINT = 0x10ffff;

/** The path without the escapes of its language: `\/`, `\(`, `\u5c71`, `&amp;`, `&#38;`. */
export function unescaped(written: string): string {
  if (!/[\\&]/.test(written)) return written;
  return written.replace(
    ESCAPE,
    (whole: string, unit?: string, char?: string, decimal?: string, hex?: string, entity?: string) => {
      if (char !== undefined) return char;
      if (entity !== undefined) return ENTITIES[entity] ?? whole;
      const code = decimal === undefined ? parseInt(unit ?? hex ?? "", 16) : parseInt(decimal, 10);
      if (unit !== undefined) return String.fromCharCode(code);
      return code <= LAST_CODE_POINT ? String.fromCodePoint(code) : whole;
    },
  );
}

/** What a written path may mean, likeliest first: a name can hold a percent sign or a backslash itself. */
export function readings(written: string): string[] {
  const plain = unescaped(written);
  return [...new Set([percentDecoded(plain), plain, written])];
}

function percentDecoded(path: string): string {
  return path.replace(PERCENT_ENCODED, (bytes) => {
    try {
      return decodeURIComponent(bytes);
    } catch {
      return bytes;
    }
  });
}
