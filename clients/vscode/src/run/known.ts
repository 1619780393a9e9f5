import type { Store } from "./store.ts";

/** Two or three an image that was compressed: some 40 000 images, and 4 MB. */
const MAX_ENTRIES = 100_000;

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

  /** Whether the second digest is of what the extension made from an original with the first, under another name. */
  isResult(original: string, result: string): boolean {
    return this.#entries.has(made(original, result));
  }

  result(original: string, result: string): void {
    this.#add(made(original, result));
  }

  #add(entry: string): void {
    if (this.#entries.has(entry)) return;
    this.#entries.add(entry);
    this.#store.add(entry);
  }
}

const settled = (digest: string, quality: string): string => `${own(digest)} ${quality}`;
const own = (digest: string): string => digest.slice(0, 32);
const made = (original: string, result: string): string => `${own(original)} > ${own(result)}`;
