import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Where the memory of earlier runs is kept between sessions of the editor. */
export interface Store {
  get(): readonly string[];
  add(entry: string): void;
  set(entries: readonly string[]): void;
}

/** A store in a file of its own, a line an entry: what was paid for is remembered whatever becomes of the editor. */
export function fileStore(path: string): Store {
  return {
    get: () => {
      try {
        return readFileSync(path, "utf8").split("\n").filter(Boolean);
      } catch {
        return [];
      }
    },
    add: (entry) => {
      mkdirSync(dirname(path), { recursive: true });
      appendFileSync(path, `${entry}\n`);
    },
    set: (entries) => {
      writeFileSync(path, entries.map((entry) => `${entry}\n`).join(""));
    },
  };
}
