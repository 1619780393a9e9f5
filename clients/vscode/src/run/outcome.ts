/** What a run did, in values: the words for it are the editor's. */

/** Why a file was left as it is. */
export type Reason =
  /** above minipic.maxFileSizeMB */
  | "tooLarge"
  | "empty"
  /** the result would be no smaller */
  | "notSmaller"
  /** a file with the result's name lies there */
  | "targetExists"
  /** somebody changed the file while the service worked on it */
  | "changedMeanwhile"
  /** it is a result of these settings, or was found not to shrink with them */
  | "alreadyDone"
  | "readOnly"
  /** another run has it in work */
  | "inWork"
  /** it was deleted before its turn */
  | "gone"
  /** the run ended while the service worked on it, which may have counted it */
  | "ended";

export type Outcome =
  /** `before` is the digest of the original. */
  | { kind: "compressed"; path: string; target: string; before: string; beforeBytes: number; afterBytes: number }
  /** `earlier` where a run before made the image's result, did not come to references, and both are as they were then. */
  | { kind: "skipped"; path: string; why: Reason; earlier?: { target: string; before: string; after: string } }
  | { kind: "failed"; path: string; error: Error };

/** A run's outcomes, and why it ended early: stopped by its user, or by an error that every image would meet. */
export interface Report {
  outcomes: readonly Outcome[];
  /** Images that were not begun. */
  leftOver: number;
  isStopped: boolean;
  fatal?: Error;
}

export interface Totals {
  compressed: number;
  skipped: number;
  failed: number;
  beforeBytes: number;
  afterBytes: number;
}

export function totals(outcomes: readonly Outcome[]): Totals {
  const sum = { compressed: 0, skipped: 0, failed: 0, beforeBytes: 0, afterBytes: 0 };
  for (const outcome of outcomes) {
    sum[outcome.kind] += 1;
    if (outcome.kind === "compressed") {
      sum.beforeBytes += outcome.beforeBytes;
      sum.afterBytes += outcome.afterBytes;
    }
  }
  return sum;
}

/** A size for people, in powers of 1000. */
export function sizeText(sizeBytes: number): string {
  if (sizeBytes < 1000) return `${sizeBytes} B`;
  const size = sizeBytes / 1000;
  return size < 999.95 ? `${size.toFixed(1)} kB` : `${(size / 1000).toFixed(1)} MB`;
}

/** How much smaller `after` is than `before`, as `-64.2 %`; a growth has a plus. */
export function changeText(beforeBytes: number, afterBytes: number): string {
  const percent = beforeBytes === 0 ? 0 : (afterBytes / beforeBytes - 1) * 100;
  return `${percent > 0 ? "+" : ""}${percent.toFixed(1)} %`;
}
