import picomatch from "picomatch";

const NEVER = new Set(["node_modules", ".git"]);

/**
 * Give a test whether a file or folder is left out; its path is relative, with forward slashes.
 *
 * As in the editor's own settings, a pattern that matches a folder takes all that is in it: `dist` means the same as
 * `dist/**`, and a folder that is left out need not be read. What lies in node_modules or .git always is left out. A
 * pattern that cannot be read leaves nothing out, and so does one that begins with `!`: there is nothing to negate.
 */
export function exclusion(patterns: readonly string[]): (relativePath: string) => boolean {
  const tests = patterns.filter((pattern) => !/^!(?!\()/.test(pattern)).flatMap(readable);
  return (relativePath) =>
    withParents(relativePath).some((path) => NEVER.has(lastPart(path)) || tests.some((isMatch) => isMatch(path)));
}

/** The path's folders from the top down, then the path itself. */
function withParents(path: string): string[] {
  const parts = path.split("/");
  return parts.map((_part, at) => parts.slice(0, at + 1).join("/"));
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function readable(pattern: string): ((path: string) => boolean)[] {
  try {
    const isMatch = picomatch(pattern.replace(/\/$/, ""), { dot: true });
    return [(path) => isMatch(path)];
  } catch {
    return [];
  }
}
