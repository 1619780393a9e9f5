import { basename } from "node:path";
import * as vscode from "vscode";
import { hasEnding } from "../images/formats.ts";
import { type Change, type Journal, takeBack } from "../run/journal.ts";
import type { Outcome } from "../run/outcome.ts";
import { choicesFor } from "./choices.ts";
import { runVisibly, tell } from "./compressCommand.ts";
import { errorText, summary } from "./messages.ts";
import { type Doubt, logDoubts, updateReferences, type Updated } from "./referenceEdits.ts";
import type { Services } from "./services.ts";
import { settingsWish } from "./settings.ts";

const { t } = vscode.l10n;

/** A result beside its original, of this run or of one before that did not come to the references. */
interface Made {
  path: string;
  target: string;
  /** The digest of the original. */
  before: string;
  /** The digest of the result, where a run before made it. */
  after?: string;
}

/** The command: make WebP images of what was chosen, and change what refers to the originals in the whole workspace. */
export async function convertToWebp(services: Services, uri?: vscode.Uri, uris?: vscode.Uri[]): Promise<void> {
  const choices = await choicesFor(uri, uris);
  if (choices === undefined) return;
  const settings = settingsWish();
  const wish = {
    ...settings,
    format: "webp",
    skipLargerConversion: settings.skipIfLarger,
    // Originals go only when nothing refers to them any more.
    keepOriginal: true,
    isAuto: false,
  };
  let told = "";
  const isNoWebp = (path: string): boolean => !hasEnding(path, ".webp");
  const done = await runVisibly(services, choices, wish, isNoWebp, async ({ report, journal }, progress, stop) => {
    const made = report.outcomes.flatMap(madeBy);
    if (made.length === 0) return;
    progress.report({ message: t("updating references…") });
    told = await updateAll(services, made, { journal, isDeleting: !settings.keepOriginal, stop });
  });
  if (done !== undefined) tell(services, done, [summary(done.report), told].join(" ").trim());
}

function madeBy(outcome: Outcome): Made[] {
  if (outcome.kind === "compressed") return [outcome];
  return outcome.kind === "skipped" && outcome.earlier !== undefined
    ? [{ path: outcome.path, ...outcome.earlier }]
    : [];
}

/** Update references, and delete the originals where that is wished; say what was done. */
async function updateAll(
  services: Services,
  made: readonly Made[],
  { journal, isDeleting, stop }: { journal: Journal; isDeleting: boolean; stop: AbortSignal },
): Promise<string> {
  const renamed = new Map(made.map(({ path, target }) => [vscode.Uri.file(path).path, vscode.Uri.file(target).path]));
  const log = (line: string): void => {
    services.log.appendLine(line);
  };
  try {
    const deletions: Change[] = [];
    const deletable = async (doubts: readonly Doubt[]): Promise<vscode.Uri[]> => {
      const doubted = new Set(doubts.map(({ name }) => name));
      const sure = made.filter(({ path }) => !doubted.has(basename(path)) && isInWorkspace(path));
      if (isDeleting) deletions.push(...(await keepAll(journal, sure)));
      return deletions.map(({ path }) => vscode.Uri.file(path));
    };
    const updated = await updateReferences(renamed, deletable, stop, log);
    logDoubts(updated.doubts, log);
    for (const { path, target, before, after } of made) {
      // What could not be read may be mended, and then the same command is to find its references.
      if (updated.unread === 0) services.known.refer(before, target);
      if (after !== undefined && updated.references > 0) journal.referring(target, path, after);
    }
    if (updated.isDeleted && updated.unsaved > 0) {
      for (const change of deletions) await takeBack(journal.folder, change);
    }
    return [updatedText(updated), ...(isDeleting ? stayTexts(updated, made) : [])].join(" ");
  } catch (error) {
    if (stop.aborted) return t("References were not updated.");
    return t("References were not updated: {0}", errorText(error));
  }
}

/** Keep a copy of each original that is as it was when it was converted; give them. */
async function keepAll(journal: Journal, made: readonly Made[]): Promise<Change[]> {
  const kept: Change[] = [];
  for (const { path, before } of made) {
    const change = await journal.deleting(path, before).catch(() => undefined);
    if (change !== undefined) kept.push(change);
  }
  return kept;
}

/** What names an image outside of the workspace was not looked at. */
function isInWorkspace(path: string): boolean {
  return vscode.workspace.getWorkspaceFolder(vscode.Uri.file(path)) !== undefined;
}

/** Why originals stay that were to be deleted. */
function stayTexts({ doubts }: Updated, made: readonly Made[]): string[] {
  const names = new Set(doubts.map(({ name }) => name));
  const doubted = made.filter(({ path }) => names.has(basename(path))).length;
  const outside = made.filter(({ path }) => !isInWorkspace(path)).length;
  const texts: string[] = [];
  if (doubted > 0)
    texts.push(t("Mentioned by a path that could not be followed: {0}, see the log. These originals stay.", doubted));
  if (outside > 0) texts.push(t("Outside of the workspace: {0}. These originals stay.", outside));
  return texts;
}

function updatedText({ references, files, unsaved, unread }: Updated): string {
  const parts = [
    references === 1
      ? t("1 reference updated.")
      : files === 1
        ? t("{0} references updated in one file.", references)
        : t("{0} references updated in {1} files.", references, files),
  ];
  if (unsaved > 0) parts.push(t("Not saved yet: {0}. The originals stay.", unsaved));
  if (unread > 0) parts.push(t("Could not be read: {0}, see the log. The originals stay.", unread));
  return parts.join(" ");
}
