import { readFile, realpath, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Client, Compressed } from "../api/client.ts";
import { BAD_ANSWER, isFatal, isUnavailable, ServiceError } from "../api/errors.ts";
import { sentence } from "../api/words.ts";
import { endingOfFormat, endingOfType, hasEnding, looksLike, withEnding } from "../images/formats.ts";
import { createFile, digest, digestOfFile, exists, hasCode, isWritable, replaceFile } from "../images/writing.ts";
import type { Journal } from "./journal.ts";
import type { Known } from "./known.ts";
import { inLanes } from "./lanes.ts";
import type { Outcome, Reason, Report } from "./outcome.ts";

/** A gateway fails on one image that is too much for the service, hardly on three with none taken between. */
const UNAVAILABLE_IN_A_ROW = 3;

export interface Wish {
  quality: string;
  /** `keep` or the format of the results. */
  format: string;
  /** Leave an original as it is when its result in the same format is no smaller. */
  skipIfLarger: boolean;
  /** Write no result in another format that is no smaller. */
  skipLargerConversion: boolean;
  /** Keep the original where the result has another name. */
  keepOriginal: boolean;
  maxSizeBytes: number;
  concurrency: number;
  /** Nobody asked for these very files: leave alone what the extension wrote. */
  isAuto: boolean;
}

/** What the runs of one window share. */
export interface Shared {
  known: Known;
  /** Paths that a run has in work. */
  inWork: Set<string>;
}

export interface Run extends Shared {
  client: Client;
  journal: Journal;
  /** Begin no more images; those in work are already counted by the service, and may end. */
  stop: AbortSignal;
  /** End at once. */
  signal: AbortSignal;
  /** Told of each outcome as it comes. */
  report: (outcome: Outcome) => void;
}

class Unjournalled extends Error {
  override readonly name = "Unjournalled";
}

class Skip extends Error {
  readonly why: Reason;
  constructor(why: Reason) {
    super(why);
    this.why = why;
  }
}

/**
 * Compress images, `concurrency` at once. What goes wrong with one image is its outcome and does not end the run,
 * unless every other image would meet it too. Never throws for a file or an answer.
 */
export async function compressAll(paths: readonly string[], wish: Wish, run: Run): Promise<Report> {
  const outcomes: Outcome[] = [];
  const hopeless = new AbortController();
  const stop = AbortSignal.any([run.stop, run.signal, hopeless.signal]);
  let fatal: Error | undefined;
  let unavailable = 0;
  await inLanes(paths, wish.concurrency, stop, async (path) => {
    const outcome = await outcomeOf(path, wish, run);
    if (isAnswered(outcome)) unavailable = 0;
    if (outcome.kind === "failed") {
      const { error } = outcome;
      if (isNoService(error)) unavailable += 1;
      if (isFatal(error) || isUnsafe(error) || unavailable >= UNAVAILABLE_IN_A_ROW) {
        fatal ??= outcome.error;
        hopeless.abort();
      }
    }
    outcomes.push(outcome);
    run.report(outcome);
  });
  const report = {
    outcomes,
    leftOver: paths.length - outcomes.length,
    isStopped: run.stop.aborted || run.signal.aborted,
  };
  return fatal === undefined ? report : { ...report, fatal };
}

/** Whether no service stands behind the answer: a gateway in front of none, or the page of some other server. */
function isNoService(error: unknown): boolean {
  return isUnavailable(error) || (error instanceof ServiceError && error.code === BAD_ANSWER);
}

/** Whether the service itself answered for an image. */
function isAnswered(outcome: Outcome): boolean {
  if (outcome.kind === "skipped") return outcome.why === "notSmaller" || outcome.why === "changedMeanwhile";
  if (outcome.kind === "compressed") return true;
  return outcome.error instanceof ServiceError && outcome.error.status >= 400 && outcome.error.status < 429;
}

/** Whether the disk or the journal takes nothing more: every further image would be paid for, and lost. */
function isUnsafe(error: unknown): boolean {
  return error instanceof Unjournalled || ["ENOSPC", "EDQUOT", "EROFS"].some((code) => hasCode(error, code));
}

async function outcomeOf(path: string, wish: Wish, run: Run): Promise<Outcome> {
  if (run.inWork.has(path)) return { kind: "skipped", path, why: "inWork" };
  run.inWork.add(path);
  try {
    return await compressOne(path, wish, run);
  } catch (error) {
    if (error instanceof Skip) return { kind: "skipped", path, why: error.why };
    if (run.signal.aborted) return { kind: "skipped", path, why: "ended" };
    if (hasCode(error, "ENOENT") && !(await exists(path))) return { kind: "skipped", path, why: "gone" };
    return { kind: "failed", path, error: error instanceof Error ? error : new Error(String(error)) };
  } finally {
    run.inWork.delete(path);
  }
}

async function compressOne(path: string, wish: Wish, run: Run): Promise<Outcome> {
  const { size, mode } = await stat(path);
  if (size > wish.maxSizeBytes) throw new Skip("tooLarge");
  if (size === 0) throw new Skip("empty");
  const promised = endingOfFormat(wish.format);
  const isInPlace = promised === undefined || hasEnding(path, promised);
  // Refused before it is paid for.
  const folder = dirname(isInPlace ? await realpath(path) : path);
  if ((isInPlace && !(await isWritable(path))) || !(await isWritable(folder))) throw new Skip("readOnly");
  const claimed = isInPlace ? undefined : withEnding(path, promised);
  // Claimed before the first wait: of two originals with one target only one is paid for.
  const claim = claimed === undefined ? undefined : asOnDisk(claimed);
  if (claim !== undefined) {
    if (run.inWork.has(claim)) throw new Skip("targetExists");
    run.inWork.add(claim);
  }
  try {
    if (claimed !== undefined && (await exists(claimed))) return await withTarget(path, claimed, run.known);
    const original = await readFile(path);
    const before = digest(original);
    const isHeeded = isInPlace || wish.skipLargerConversion;
    if (isHeeded && run.known.isSettled(before, settledAs(wish, isInPlace)))
      throw new Skip(isInPlace ? "alreadyDone" : "notSmaller");
    if (wish.isAuto && run.known.isOwn(before)) throw new Skip("alreadyDone");
    const result = await run.client.compress(original, wish, run.signal);
    checkImage(result, promised);
    const target = claimed ?? path;
    await write({ path, target, original, before, mode: mode & 0o7777, result }, wish, run);
    const [beforeBytes, afterBytes] = [original.byteLength, result.bytes.byteLength];
    return { kind: "compressed", path, target, before, beforeBytes, afterBytes };
  } finally {
    if (claim !== undefined) run.inWork.delete(claim);
  }
}

/** What an image is where its target lies already: a stranger's, or its own from a run before. */
async function withTarget(path: string, target: string, known: Known): Promise<Outcome> {
  const [before, after] = [await digestOfFile(path), await digestOfFile(target)];
  const isOurs = before !== undefined && after !== undefined && known.isResult(before, after);
  if (!isOurs || known.isReferred(before, target)) return { kind: "skipped", path, why: "targetExists" };
  return { kind: "skipped", path, why: "alreadyDone", earlier: { target, before, after } };
}

/** The same for all spellings of a path that mean one file: disks of Windows and macOS do not tell letters' case. */
function asOnDisk(path: string): string {
  return process.platform === "linux" ? path : path.toLowerCase();
}

/** Throw for bytes that are not the image that they are said to be, or not the one that was asked for. */
function checkImage(result: Compressed, promisedEnding: string | undefined): void {
  const ending = endingOfType(result.type);
  const isPromised = promisedEnding === undefined || ending === promisedEnding;
  if (ending === undefined || !isPromised || !looksLike(result.bytes, result.type)) {
    throw new ServiceError(
      200,
      BAD_ANSWER,
      sentence("The service's answer is not the image that was asked for ({0}).", result.type),
    );
  }
}

interface Piece {
  path: string;
  target: string;
  original: Uint8Array;
  before: string;
  mode: number;
  result: Compressed;
}

async function write(piece: Piece, wish: Wish, run: Run): Promise<void> {
  const { path, target, original, before, mode, result } = piece;
  const isInPlace = target === path;
  const isLarger = result.bytes.byteLength >= original.byteLength;
  if (isLarger && (isInPlace ? wish.skipIfLarger : wish.skipLargerConversion)) {
    run.known.settle(before, settledAs(wish, isInPlace));
    throw new Skip("notSmaller");
  }
  const after = digest(result.bytes);
  run.signal.throwIfAborted();
  // Remembered first: auto-compress hears of the new file before this function goes on.
  run.known.own(after);
  run.known.settle(after, wish.quality);
  if (isInPlace) {
    await journalled(() => run.journal.replacing(path, original, after));
    if (!(await replaceFile(path, result.bytes, before))) throw new Skip("changedMeanwhile");
    return;
  }
  run.known.result(before, after);
  await journalled(() => {
    run.journal.creating(target, path, after);
  });
  if (!(await createFile(target, result.bytes, mode))) throw new Skip("targetExists");
  if (!wish.keepOriginal && (await run.journal.deleting(path, before)) !== undefined) await rm(path);
}

/** What cannot be journalled is not done, because it could not be undone. */
async function journalled(write: () => Promise<void> | void): Promise<void> {
  try {
    await write();
  } catch (error) {
    throw new Unjournalled(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** What an image was found to gain nothing from: a quality, and the other format where one was asked for. */
function settledAs(wish: Wish, isInPlace: boolean): string {
  return isInPlace ? wish.quality : `${wish.quality} ${wish.format}`;
}
