import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Where the memory of earlier runs is kept between sessions of the editor. */
export interface Store {
  get(): readonly string[];
  add(entry: string): void;
  set(entries: readonly string[]): void;
}

/** Two an image that was compressed: 50 000 images, and some 4 MB. */
const MAX_ENTRIES = 100_000;

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

/**
 * What earlier runs made or found, by the digest of contents: nothing is paid for twice, and auto-compress leaves alone
 * what the extension wrote itself. The oldest entries are forgotten when a new session begins.
 */
export class Known {
  readonly #entries: Set<string>;
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
    const stored = store.get();
    this.#entries = new Set(stored.slice(-MAX_ENTRIES));
    if (stored.length > MAX_ENTRIES) store.set([...this.#entries]);
  }

  /** Whether a file with this digest has nothing to gain from this quality, its format kept. */
  isSettled(digest: string, quality: string): boolean {
    return this.#entries.has(settled(digest, quality));
  }

  settle(digest: string, quality: string): void {
    this.#add(settled(digest, quality));
  }

  /** Whether the extension wrote a file with this digest: as a result, or by bringing an original back. */
  isOwn(digest: string): boolean {
    return this.#entries.has(own(digest));
  }

  own(digest: string): void {
    this.#add(own(digest));
  }

  #add(entry: string): void {
    if (this.#entries.has(entry)) return;
    this.#entries.add(entry);
    this.#store.add(entry);
  }
}

const settled = (digest: string, quality: string): string => `${own(digest)} ${quality}`;
const own = (digest: string): string => digest.slice(0, 32);
