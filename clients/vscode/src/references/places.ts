import { posix } from "node:path";

export interface Places {
  /** The workspace's folders, absolute. */
  readonly roots: readonly string[];
  /** Says whether a file lies at an absolute path. */
  exists(path: string): boolean;
}

/** Folders whose content frameworks serve at `/`; the folder itself comes first. */
const SERVED = [
  "",
  "public",
  "static",
  "assets",
  "www",
  "wwwroot",
  "web",
  "htdocs",
  "src",
  "app",
  "docs",
  "site",
  "dist",
  ".vuepress/public",
  "src/main/webapp",
  "src/main/resources/static",
];

/** What bundlers' `@/` and `~/` stand for, and Docusaurus' `@site/`. */
const ALIASED = ["src", "app", ""];

const REMOTE = /^(?:[a-z][a-z0-9+.-]*:|\/\/)/i;
const ALIAS = /^(?:~?@|~|@site)\//;
/** `$base/x` of PHP and shells, `%PUBLIC_URL%/x`: a base that only the run-time knows. */
const VARIABLE = /^(?:\$\w+|%\w+%)(?=\/)/;

/**
 * Gives the absolute paths at which a path, read in the text file `file`, may lie: the first that is taken is meant.
 *
 * Nothing for addresses with a scheme or a host. Root paths and aliases never leave the file's workspace folder.
 */
export function placesFor(file: string, roots: readonly string[]): (path: string) => string[] {
  const folder = posix.dirname(file);
  const folders = foldersUp(folder, roots);
  const served = below(folders, SERVED);
  const aliased = below(folders, ALIASED);
  return (path) => {
    if (REMOTE.test(path)) return [];
    if (ALIAS.test(path)) return under(aliased, path.replace(ALIAS, "/"));
    if (path.startsWith("/")) return under(served, path);
    const beside = posix.join(folder, path);
    if (!path.includes("/") || /^\.\.?\//.test(path)) return [beside];
    return [beside, ...under(served, path.replace(VARIABLE, ""))];
  };
}

/** All ends of the paths: `/w/img/a.jpg` may be written as something with `img/a.jpg` or `a.jpg`. */
export function pathEnds(paths: readonly string[]): Set<string> {
  const ends = new Set<string>();
  for (const path of paths) {
    for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) ends.add(path.slice(at));
  }
  return ends;
}

/** The part of a written path that the path of the file it means ends with, whichever place it is found in. */
export function pathEnd(path: string): string {
  return posix.normalize(`/${path.replace(ALIAS, "").replace(VARIABLE, "")}`);
}

/** The folder and those above it up to its workspace folder, nearest first; none outside of all. The top is "". */
function foldersUp(folder: string, roots: readonly string[]): string[] {
  const above = roots.map((root) => root.replace(/\/$/, "")).filter((root) => `${folder}/`.startsWith(`${root}/`));
  if (above.length === 0) return [];
  const innermost = Math.max(...above.map((root) => root.length));
  const folders: string[] = [];
  let up = folder.replace(/\/$/, "");
  for (; up.length > innermost; up = up.slice(0, up.lastIndexOf("/"))) folders.push(up);
  return [...folders, up];
}

function below(folders: readonly string[], names: readonly string[]): string[] {
  return folders.flatMap((folder) => names.map((name) => (name === "" ? folder : `${folder}/${name}`)));
}

function under(folders: readonly string[], path: string): string[] {
  // An absolute path is normalized first: its `..` cannot climb out of the folder.
  const inside = posix.normalize(`/${path}`);
  return folders.map((folder) => folder + inside);
}
