import picomatch from "picomatch";

const NEVER = new Set(["node_modules", ".git"]);
/** What a pattern ends with that takes all that lies below a folder. */
const ALL_BELOW = /\/\*\*(?:\/\*)?$/;
const NAME = "\u0001";

type Test = (relativePath: string) => boolean;

/**
 * Give a test whether a path is left out; the path is relative, with forward slashes. Asked of a path with a slash at
 * its end, it tells whether all that can lie below that folder is left out.
 *
 * What lies in node_modules or .git always is. A pattern that cannot be read leaves nothing out.
 */
export function exclusion(patterns: readonly string[]): Test {
  const files = patterns.flatMap((pattern) => readable(pattern));
  const folders = patterns.flatMap((pattern) => wholeFolders(pattern));
  const isMatch: Test = (path) => files.some((test) => test(path));
  const isWhole: Test = (folder) => folders.some((test) => test(folder));
  return (relativePath) => {
    const isOfFolder = relativePath.endsWith("/");
    const path = isOfFolder ? relativePath.slice(0, -1) : relativePath;
    return (
      path.split("/").some((part) => NEVER.has(part)) || (isOfFolder ? withParents(path).some(isWhole) : isMatch(path))
    );
  };
}

/** Whether nothing below a folder can be wanted, so that it need not be read. */
export function isFolderExcluded(relativePath: string, isExcluded: Test): boolean {
  return isExcluded(`${relativePath}/`);
}

function withParents(path: string): string[] {
  const parts = path.split("/");
  return parts.map((_part, at) => parts.slice(0, at + 1).join("/"));
}

function readable(pattern: string): Test[] {
  try {
    const isMatch = picomatch(pattern, { dot: true });
    return [(path) => isMatch(path)];
  } catch {
    return [];
  }
}

/** The test for folders that a pattern takes with all that is in them: `dist/**` has one, `dist/*` and `*.png` none. */
function wholeFolders(pattern: string): Test[] {
  // What a pattern negates or chooses from within brackets is known only for names, and a folder's are not known yet.
  if (!ALL_BELOW.test(pattern) || pattern.startsWith("!")) return [];
  return readable(pattern.replace(ALL_BELOW, "")).flatMap((isFolder) =>
    readable(pattern).map(
      (isMatch): Test =>
        (folder) =>
          isFolder(folder) && isMatch(`${folder}/${NAME}`) && isMatch(`${folder}/${NAME}/${NAME}`),
    ),
  );
}
