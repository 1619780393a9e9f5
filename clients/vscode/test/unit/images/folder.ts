/** Folders of real files that end with the test, and scripts that run real modules in processes of their own. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import { onTestFinished } from "vitest";

const SOURCE_FOLDER = fileURLToPath(new URL("../../../src", import.meta.url));
const NOBODY = 65_534;

/** Makes an empty folder that everybody may use, and that is removed after the test. */
export function newFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "minipic-unit-")));
  chmodSync(folder, 0o777);
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** Writes a file, and the folders above it; gives its path. */
export function put(folder: string, name: string, content: string | Uint8Array = "bytes", mode = 0o644): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

/** Bundles a script that imports from `src/…`; gives its path. */
export function bundled(folder: string, script: string): string {
  const outfile = join(folder, "script.cjs");
  const contents = script.replaceAll('"src/', `"${SOURCE_FOLDER}/`);
  const stdin = { contents, resolveDir: SOURCE_FOLDER, loader: "ts" as const };
  buildSync({ stdin, outfile, bundle: true, platform: "node", format: "cjs", logLevel: "error" });
  return outfile;
}

/** Runs a bundled script; root gives its rights away first, as permissions do not bind it. */
export function launch(script: string, ...args: string[]): ChildProcess {
  const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  return spawn(process.execPath, [script, ...args], { ...user, stdio: ["ignore", "pipe", "inherit"] });
}

/** What a bundled script prints. */
export async function printed(script: string, ...args: string[]): Promise<string> {
  const child = launch(script, ...args);
  const parts: Buffer[] = [];
  child.stdout?.on("data", (part: Buffer) => parts.push(part));
  await once(child, "close");
  return Buffer.concat(parts).toString().trim();
}
