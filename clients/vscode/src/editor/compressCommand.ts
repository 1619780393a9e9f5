import * as vscode from "vscode";
import type { Client } from "../api/client.ts";
import { ServiceError } from "../api/errors.ts";
import { exclusion } from "../images/exclude.ts";
import { type Choice, findImages } from "../images/walk.ts";
import { compressAll, type Wish } from "../run/compress.ts";
import { Journal } from "../run/journal.ts";
import type { Report } from "../run/outcome.ts";
import { choicesFor } from "./choices.ts";
import { askForKey, connect } from "./connection.ts";
import { errorText, outcomeLine, summary } from "./messages.ts";
import type { Services } from "./services.ts";
import { excludePatterns, settingsWish } from "./settings.ts";
import { undoRun } from "./undoCommand.ts";

const { t } = vscode.l10n;
/** How long images in work may go on after a cancel: they are paid for, and are mostly a moment away. */
const GRACE_MS = 5_000;

/** The command: compress what was chosen by the current settings, and say in one message what came of it. */
export async function compressImages(services: Services, uri?: vscode.Uri, uris?: vscode.Uri[]): Promise<void> {
  const choices = await choicesFor(uri, uris);
  if (choices === undefined) return;
  const wish = { ...settingsWish(), skipLargerConversion: false, isAuto: false };
  const done = await runVisibly(services, choices, wish);
  if (done !== undefined) tell(services, done, summary(done.report));
}

/** What a run that people watch came to, and its journal, which lies in no list of runs if nothing was changed. */
export interface Done {
  report: Report;
  journal: Journal;
}

/**
 * Compress with a progress notification that can be cancelled; a line of the output channel for each file.
 *
 * `afterwards` goes on under the same notification. Undefined where there was no key, or no image.
 */
export async function runVisibly(
  services: Services,
  choices: readonly Choice[],
  wish: Wish,
  isWanted: (path: string) => boolean = () => true,
  afterwards: (done: Done, progress: Progress, stop: AbortSignal) => Promise<void> = () => Promise.resolve(),
): Promise<Done | undefined> {
  const client = await connect(services);
  if (client === undefined) return undefined;
  const location = vscode.ProgressLocation.Notification;
  return vscode.window.withProgress({ location, title: "MiniPic", cancellable: true }, async (progress, token) => {
    const { stop, signal } = signalsOf(token);
    progress.report({ message: t("looking for images…") });
    const found = await findImages(choices, exclusion(excludePatterns()), stop).catch((error: unknown) => {
      if (stop.aborted) return [];
      throw error;
    });
    const paths = found.filter(isWanted);
    if (paths.length === 0) {
      if (!stop.aborted) void vscode.window.showInformationMessage(t("MiniPic: there is no image to compress there."));
      return undefined;
    }
    const done = await runJournalled(services, client, paths, wish, { stop, signal, progress });
    await afterwards(done, progress, stop);
    await done.journal.end();
    return done;
  });
}

type Progress = vscode.Progress<{ message?: string; increment?: number }>;

async function runJournalled(
  services: Services,
  client: Client,
  paths: readonly string[],
  wish: Wish,
  { stop, signal, progress }: { stop: AbortSignal; signal: AbortSignal; progress: Progress },
): Promise<Done> {
  const journal = await Journal.begin(services.journals, Date.now());
  let count = 0;
  const say = (): void => {
    progress.report({ message: t("{0} of {1} images", count, paths.length), increment: count && 100 / paths.length });
  };
  say();
  const report = await compressAll(paths, wish, {
    ...services,
    client,
    journal,
    stop,
    signal,
    report: (outcome) => {
      services.log.appendLine(outcomeLine(outcome));
      count += 1;
      say();
    },
  });
  return { report, journal };
}

/** Show a run's summary, with what one may want to do then. */
export function tell(services: Services, done: Done, text: string): void {
  showSummary(services, done, text).catch((error: unknown) => {
    void vscode.window.showErrorMessage(`MiniPic: ${errorText(error)}`);
  });
}

async function showSummary(services: Services, { report, journal }: Done, text: string): Promise<void> {
  services.log.appendLine(text);
  const [undo, log, key, upgrade] = [t("Undo"), t("Show Log"), t("Set API Key"), t("More Images")];
  const { fatal, outcomes } = report;
  const error = fatal instanceof ServiceError ? fatal : undefined;
  const actions = [
    ...(error?.status === 401 ? [key] : []),
    ...(error?.upgradeUrl === undefined ? [] : [upgrade]),
    ...(journal.isEmpty ? [] : [undo]),
    log,
  ];
  const hasFailed = fatal !== undefined || outcomes.some(({ kind }) => kind === "failed");
  const show = hasFailed ? vscode.window.showWarningMessage : vscode.window.showInformationMessage;
  const chosen = await show(text, ...actions);
  if (chosen === log) services.log.show(true);
  if (chosen === undo) await undoRun(services, journal.folder);
  if (chosen === key) await askForKey(services.secrets);
  if (chosen === upgrade && error?.upgradeUrl !== undefined) {
    await vscode.env.openExternal(vscode.Uri.parse(error.upgradeUrl));
  }
}

/** What a cancel means: begin nothing more now, and end all a little later. */
function signalsOf(token: vscode.CancellationToken): { stop: AbortSignal; signal: AbortSignal } {
  const [stop, end] = [new AbortController(), new AbortController()];
  token.onCancellationRequested(() => {
    stop.abort();
    setTimeout(() => {
      end.abort();
    }, GRACE_MS).unref();
  });
  return { stop: stop.signal, signal: end.signal };
}
