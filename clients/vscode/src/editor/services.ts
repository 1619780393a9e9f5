import type * as vscode from "vscode";
import type { Shared } from "../run/compress.ts";

/** What the commands share in one window. */
export interface Services extends Shared {
  secrets: vscode.SecretStorage;
  log: vscode.OutputChannel;
  /** The folder of the undo journals. */
  journals: string;
}
