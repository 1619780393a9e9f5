import { digest } from "../images/writing.ts";
import type { Store } from "./store.ts";

/** Two to four an image that was compressed: some 30 000 images, and 5 MB. */
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
  isSettled(content: string, quality: string): boolean {
    return this.#entries.has(settled(content, quality));
  }

  settle(content: string, quality: string): void {
    this.#add(settled(content, quality));
  }

  /** Whether the extension wrote a file with this digest: as a result, or by bringing an original back. */
  isOwn(content: string): boolean {
    return this.#entries.has(own(content));
  }

  own(content: string): void {
    this.#add(own(content));
  }

  /** Whether the second digest is of what the extension made from an original with the first, under another name. */
  isResult(original: string, result: string): boolean {
    return this.#entries.has(made(original, result));
  }

  result(original: string, result: string): void {
    this.#add(made(original, result));
  }

  /** Whether references to an original were changed to its result at this path. */
  isReferred(original: string, target: string): boolean {
    return this.#entries.has(referred(original, target));
  }

  refer(original: string, target: string): void {
    this.#add(referred(original, target));
  }

  #add(entry: string): void {
    if (this.#entries.has(entry)) return;
    this.#entries.add(entry);
    this.#store.add(entry);
  }
}

const settled = (content: string, quality: string): string => `${own(content)} ${quality}`;
const own = (content: string): string => content.slice(0, 32);
const made = (original: string, result: string): string => `${own(original)} > ${own(result)}`;
/** By a digest: a path may hold anything. */
const referred = (original: string, target: string): string => own(digest(Buffer.from(`${original} ${target}`)));
