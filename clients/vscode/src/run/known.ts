/** Where the memory of earlier runs is kept between sessions of the editor. */
export interface Store {
  get(): readonly string[];
  set(entries: readonly string[]): PromiseLike<void>;
}

const MAX_ENTRIES = 4000;

/**
 * What earlier runs made or found, by the digest of contents: nothing is paid for twice, and auto-compress leaves alone
 * what the extension wrote itself. The oldest entries are forgotten first.
 */
export class Known {
  readonly #entries: Set<string>;
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
    this.#entries = new Set(store.get());
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

  save(): PromiseLike<void> {
    return this.#store.set([...this.#entries]);
  }

  #add(entry: string): void {
    this.#entries.delete(entry);
    this.#entries.add(entry);
    for (const oldest of this.#entries) {
      if (this.#entries.size <= MAX_ENTRIES) break;
      this.#entries.delete(oldest);
    }
  }
}

const settled = (digest: string, quality: string): string => `${own(digest)} ${quality}`;
const own = (digest: string): string => digest.slice(0, 32);
