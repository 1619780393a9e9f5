import { rm } from "node:fs/promises";
import { basename } from "node:path";
import * as vscode from "vscode";
import { digestOfFile, exists } from "../images/writing.ts";
import { type Change, lastRun, type PastRun, pastRun, takeBack, type Taken } from "../run/journal.ts";
import { displayPath, errorText } from "./messages.ts";
import { logDoubts, updateReferences } from "./referenceEdits.ts";
import type { Services } from "./services.ts";

const { t } = vscode.l10n;

/** The command: take the newest run back. */
export async function undoLast(services: Services): Promise<void> {
  await undo(services, await lastRun(services.journals, services.autoJournals));
}

/** Take the run back that a summary was about, whatever came after it. */
export async function undoRun(services: Services, folder: string): Promise<void> {
  await undo(services, await pastRun(folder));
}

/**
 * Originals return, references to results go back to them, then the results go. What was changed since the run is left
 * as it is.
 */
async function undo(services: Services, run: PastRun | undefined): Promise<void> {
  if (services.inWork.size > 0) {
    void vscode.window.showInformationMessage(t("MiniPic: images are in work. Stop them or wait, then undo."));
    return;
  }
  if (run === undefined) {
    void vscode.window.showInformationMessage(t("MiniPic: there is nothing to undo."));
    return;
  }
  const location = vscode.ProgressLocation.Notification;
  const paths = run.changes.map(({ path }) => path);
  for (const path of paths) services.inWork.add(path);
  const sum = await vscode.window.withProgress({ location, title: t("MiniPic: undoing…") }, async () => {
    try {
      return await takeRunBack(services, run.folder, run.changes);
    } finally {
      for (const path of paths) services.inWork.delete(path);
    }
  });
  // What failed or was not saved may be tried again, and what a newer run changed comes back when that one is undone first.
  const isNewest = (await lastRun(services.journals, services.autoJournals))?.folder === run.folder;
  if (sum.failed + sum.unsaved === 0 && (sum.left === 0 || isNewest))
    await rm(run.folder, { recursive: true, force: true });
  const parts = [sum.restored === 1 ? t("1 change undone") : t("{0} changes undone", sum.restored)];
  if (sum.left > 0) parts.push(t("{0} left, see the log", sum.left));
  if (sum.unsaved > 0) parts.push(t("not saved yet: {0}", sum.unsaved));
  if (sum.failed > 0) parts.push(t("{0} failed", sum.failed));
  const show = sum.failed > 0 ? vscode.window.showWarningMessage : vscode.window.showInformationMessage;
  void show(t("MiniPic: {0}.", parts.join(t(", "))));
}

type Sum = Record<"restored" | "left" | "failed" | "nothing" | "unsaved", number>;
type Created = Extract<Change, { kind: "created" }>;
type Renamed = Extract<Change, { kind: "created" | "referred" }>;

async function takeRunBack(services: Services, folder: string, changes: readonly Change[]): Promise<Sum> {
  const sum: Sum = { restored: 0, left: 0, failed: 0, nothing: 0, unsaved: 0 };
  const take = async (change: Change): Promise<void> => {
    // Remembered first: auto-compress hears of the file before this function goes on.
    if ("before" in change) services.known.own(change.before);
    try {
      const taken = await takeBack(folder, change);
      sum[taken] += 1;
      services.log.appendLine(`${displayPath(change.path)}: ${undoText(change.kind, taken)}`);
    } catch (error) {
      sum.failed += 1;
      services.log.appendLine(`${displayPath(change.path)}: ${errorText(error)}`);
    }
  };
  const created = changes.filter((change) => change.kind === "created");
  const renamed = changes.filter((change) => change.kind === "created" || change.kind === "referred");
  for (const change of changes) if (change.kind === "replaced" || change.kind === "deleted") await take(change);
  const { unsaved, mayBeNamed } = await refersBack(services, renamed);
  sum.unsaved = unsaved;
  sum.restored += renamed.length - created.length;
  for (const change of created) {
    const why = await reasonToStay(change, mayBeNamed);
    if (why === undefined) {
      await take(change);
    } else {
      sum.left += 1;
      services.log.appendLine(`${displayPath(change.path)}: ${why}`);
    }
  }
  return sum;
}

/** Why a result stays, though its run is taken back; undefined where it can go. */
async function reasonToStay(
  { path, from }: Created,
  mayBeNamed: (path: string) => boolean,
): Promise<string | undefined> {
  if (!(await exists(path))) return undefined;
  if (!(await exists(from))) return t("left, as its original is gone");
  return mayBeNamed(path) ? t("left, as something may still name it") : undefined;
}

/**
 * References go back to the originals that are there; a result that was changed since stays, and so do they. Gives how
 * many files were not saved, and which results may be named by what could not be changed.
 */
async function refersBack(
  services: Services,
  changes: readonly Renamed[],
): Promise<{ unsaved: number; mayBeNamed: (path: string) => boolean }> {
  const renamed = new Map<string, string>();
  for (const { path, from, after } of changes) {
    const now = await digestOfFile(path);
    const isUnchanged = now === after || now === undefined;
    if (isUnchanged && (await exists(from))) renamed.set(vscode.Uri.file(path).path, vscode.Uri.file(from).path);
  }
  const log = (line: string): void => {
    services.log.appendLine(line);
  };
  const none = (): Promise<[]> => Promise.resolve([]);
  const { unsaved, unread, doubts } = await updateReferences(renamed, none, new AbortController().signal, log);
  logDoubts(doubts, log);
  const names = new Set(doubts.map(({ name }) => name));
  return { unsaved, mayBeNamed: (path) => unread > 0 || unsaved > 0 || names.has(basename(path)) };
}

function undoText(kind: Change["kind"], taken: Taken): string {
  const restored = kind === "created" ? t("deleted again") : t("brought back");
  const texts = { restored, nothing: t("is as it was"), left: t("left, it was changed since") };
  return texts[taken];
}
