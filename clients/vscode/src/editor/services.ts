import type * as vscode from "vscode";
import type { Shared } from "../run/compress.ts";
import type { Uploads } from "../run/uploads.ts";

/** What the commands share in one window. */
export interface Services extends Shared {
  secrets: vscode.SecretStorage;
  uploads: Uploads;
  log: vscode.OutputChannel;
  /** The folders of the undo journals, of runs that somebody began and of auto-compress. */
  journals: string;
  autoJournals: string;
}
