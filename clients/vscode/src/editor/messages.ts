import { basename } from "node:path";
import * as vscode from "vscode";
import { BadAddress, BadKey } from "../api/address.ts";
import { ServiceError } from "../api/errors.ts";
import { WordedError } from "../api/words.ts";
import { changeText, type Outcome, type Reason, type Report, sizeText, totals } from "../run/outcome.ts";

const { t } = vscode.l10n;

/** One file's line of the output channel. */
export function outcomeLine(outcome: Outcome): string {
  const name = displayPath(outcome.path);
  switch (outcome.kind) {
    case "compressed": {
      const { path, target, beforeBytes, afterBytes } = outcome;
      const sizes = `${sizeText(beforeBytes)} → ${sizeText(afterBytes)} (${changeText(beforeBytes, afterBytes)})`;
      return target === path ? `${name}: ${sizes}` : `${name} → ${basename(target)}: ${sizes}`;
    }
    case "skipped":
      return `${name}: ${t("skipped")}, ${reasonText(outcome.why)}`;
    case "failed":
      return `${name}: ${t("failed")}, ${errorText(outcome.error)}`;
  }
}

/** A run in a sentence or two. */
export function summary(report: Report): string {
  const { compressed, skipped, failed, beforeBytes, afterBytes } = totals(report.outcomes);
  const parts = [
    compressed === 0
      ? t("no image was changed")
      : t(
          "{0} compressed, {1} → {2} ({3})",
          compressed,
          sizeText(beforeBytes),
          sizeText(afterBytes),
          changeText(beforeBytes, afterBytes),
        ),
  ];
  if (skipped > 0) parts.push(t("{0} skipped", skipped));
  if (failed > 0) parts.push(t("{0} failed", failed));
  if (report.leftOver > 0) parts.push(t("{0} not begun", report.leftOver));
  const start = report.isStopped ? t("stopped: ") : "";
  const why = report.fatal === undefined ? "" : ` ${errorText(report.fatal)}`;
  return t("MiniPic: {0}.", `${start}${parts.join(t(", "))}`) + why;
}

/** An error in words. The service's own message is shown as it came: it says what to do. */
export function errorText(error: unknown): string {
  if (error instanceof BadAddress) {
    return t("The setting minipic.baseUrl must be an address such as https://img.example.com.");
  }
  if (error instanceof BadKey) {
    return t("This cannot be a key: keys begin with mp_live_ or mp_test_ and are of letters and digits.");
  }
  if (error instanceof WordedError) {
    const text = t(error.sentence.template, ...error.sentence.values);
    const requestId = error instanceof ServiceError ? error.requestId : undefined;
    return requestId === undefined ? text : t("{0} (request {1})", text, requestId);
  }
  if (error instanceof Error && error.name === "TimeoutError") return t("The service does not answer.");
  return error instanceof Error ? error.message : String(error);
}

/** A path as people know it: relative to its workspace folder, with that folder's name where there are several. */
export function displayPath(path: string): string {
  return vscode.workspace.asRelativePath(path);
}

function reasonText(why: Reason): string {
  const texts: Record<Reason, string> = {
    tooLarge: t("it is larger than minipic.maxFileSizeMB"),
    empty: t("it is empty"),
    notSmaller: t("the result would not be smaller"),
    targetExists: t("a file with the result's name lies there"),
    changedMeanwhile: t("it was changed meanwhile"),
    alreadyDone: t("it is compressed already"),
    readOnly: t("it is read-only"),
    inWork: t("it is in work already"),
    gone: t("it is gone"),
    ended: t("stopped while the service worked on it"),
  };
  return texts[why];
}
