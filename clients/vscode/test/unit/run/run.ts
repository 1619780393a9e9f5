/** Runs on real files with a service that is a function, or a real server on the loopback. */

import type { Client, Compressed } from "../../../src/api/client.ts";
import type { Run, Wish } from "../../../src/run/compress.ts";
import { Journal } from "../../../src/run/journal.ts";
import { Known } from "../../../src/run/known.ts";
import type { Outcome } from "../../../src/run/outcome.ts";
import type { Store } from "../../../src/run/store.ts";
import { newFolder } from "../images/folder.ts";

const STARTS: Record<string, string> = {
  "image/png": "\x89PNG\r\n\x1a\n",
  "image/jpeg": "\xff\xd8\xff\xe0",
  "image/webp": "RIFF\x10\0\0\0WEBPVP8 ",
};

/** Bytes that begin as an image of this type; `sizeBytes` in all. */
export function picture(type: string, sizeBytes: number, fill = "x"): Buffer {
  return Buffer.from((STARTS[type] ?? "").padEnd(sizeBytes, fill), "latin1");
}

export const PNG = picture("image/png", 1000);
export const SMALL = picture("image/png", 400, "s");
export const WEBP = picture("image/webp", 300);

export const WISH: Wish = {
  quality: "smart",
  format: "keep",
  skipIfLarger: true,
  skipLargerConversion: false,
  keepOriginal: true,
  maxSizeBytes: 1_000_000,
  concurrency: 2,
  isAuto: false,
};
export const TO_WEBP: Wish = { ...WISH, format: "webp" };

/** What stands for the service: gives a result for the bytes sent. */
export type Answer = (bytes: Uint8Array, signal: AbortSignal) => Promise<Compressed>;

export const givesSmall: Answer = () => Promise.resolve({ bytes: SMALL, type: "image/png" });
export const givesWebp: Answer = () => Promise.resolve({ bytes: WEBP, type: "image/webp" });

/** A run with all that belongs to it, in folders of its own. */
export interface Trial {
  run: Run;
  /** What was sent, and so paid for. */
  sent: Uint8Array[];
  /** The outcomes as they were told. */
  told: Outcome[];
  stop: AbortController;
  end: AbortController;
  home: string;
}

export async function newTrial(answer: Answer, known = forgetful()): Promise<Trial> {
  const [stop, end] = [new AbortController(), new AbortController()];
  const sent: Uint8Array[] = [];
  const told: Outcome[] = [];
  const home = newFolder();
  const client = {
    compress: (bytes: Uint8Array, _wish: unknown, signal: AbortSignal) => {
      sent.push(bytes);
      return answer(bytes, signal);
    },
  } as unknown as Client;
  const run = {
    client,
    journal: await Journal.begin(home, 1),
    known,
    inWork: new Set<string>(),
    stop: stop.signal,
    signal: end.signal,
    report: (outcome: Outcome) => told.push(outcome),
  };
  return { run, sent, told, stop, end, home };
}

/** A memory that begins empty and is kept nowhere. */
export function forgetful(): Known {
  return new Known(nowhere());
}

/** A store that begins empty and keeps nothing. */
export function nowhere(): Store {
  return { get: () => [], add: () => undefined, set: () => undefined };
}
