import type { Store } from "./store.ts";

/** So long a service answers a request that is sent again as it did before. */
const REMEMBERED_MS = 24 * 3_600_000;

type Entry = [image: string, upload: string, atMs: number];

/**
 * Which upload holds which image, by a digest. A request for the same upload is the same request, which is counted once;
 * an image that was uploaded again would be another.
 */
export class Uploads {
  readonly #ids: Map<string, string>;
  readonly #store: Store;

  constructor(store: Store, nowMs: number) {
    this.#store = store;
    const stored = store.get();
    const fresh = stored.flatMap(parsed).filter(([, , atMs]) => nowMs - atMs < REMEMBERED_MS);
    this.#ids = new Map(fresh.map(([image, upload]) => [image, upload]));
    if (fresh.length < stored.length) store.set(fresh.map((entry) => JSON.stringify(entry)));
  }

  of(image: string): string | undefined {
    return this.#ids.get(image);
  }

  remember(image: string, upload: string, nowMs: number): void {
    this.#ids.set(image, upload);
    const entry: Entry = [image, upload, nowMs];
    this.#store.add(JSON.stringify(entry));
  }
}

/** None for a line that is no entry: the last may be half written. */
function parsed(line: string): Entry[] {
  try {
    const entry: unknown = JSON.parse(line);
    const [image, upload, atMs] = Array.isArray(entry) ? (entry as unknown[]) : [];
    if (typeof image !== "string" || typeof upload !== "string" || typeof atMs !== "number") return [];
    return [[image, upload, atMs]];
  } catch {
    return [];
  }
}
