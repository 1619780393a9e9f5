import picomatch from "picomatch";

const NEVER = new Set(["node_modules", ".git"]);
const PROBE = "\u0001";

/**
 * Give a test whether a path is left out; the path is relative, with forward slashes.
 *
 * What lies in node_modules or .git always is. A pattern that cannot be read leaves nothing out.
 */
export function exclusion(patterns: readonly string[]): (relativePath: string) => boolean {
  const tests = patterns.flatMap((pattern) => {
    try {
      return [picomatch(pattern, { dot: true })];
    } catch {
      return [];
    }
  });
  return (relativePath) =>
    relativePath.split("/").some((part) => NEVER.has(part)) || tests.some((isMatch) => isMatch(relativePath));
}

/** Whether nothing below a folder can be wanted, so that it need not be read. */
export function isFolderExcluded(relativePath: string, isExcluded: (relativePath: string) => boolean): boolean {
  // A pattern that takes any name at both depths takes everything below, unlike `dist/*`.
  return isExcluded(`${relativePath}/${PROBE}`) && isExcluded(`${relativePath}/${PROBE}/${PROBE}`);
}
