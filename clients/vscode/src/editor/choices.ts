import { dirname } from "node:path";
import * as vscode from "vscode";
import { isImage } from "../images/formats.ts";
import type { Choice } from "../images/walk.ts";

const { t } = vscode.l10n;

/**
 * What a command works on: what was right-clicked, else the image in front, else what is picked in a dialog.
 *
 * Undefined when the dialog was closed, or when something chosen lies on no disk: then the person is told why.
 */
export async function choicesFor(uri?: vscode.Uri, uris?: readonly vscode.Uri[]): Promise<Choice[] | undefined> {
  const chosen = uris !== undefined && uris.length > 0 ? uris : uri === undefined ? await pick() : [uri];
  if (chosen === undefined) return undefined;
  if (chosen.some(({ scheme }) => scheme !== "file")) {
    void vscode.window.showInformationMessage(
      t("MiniPic works on files on a disk. Open a copy of this workspace on a disk to compress its images."),
    );
    return undefined;
  }
  return chosen.map((each) => ({ path: each.fsPath, root: rootOf(each) }));
}

/** The workspace folder that a file lies in, else its own folder. */
export function rootOf(uri: vscode.Uri): string {
  return vscode.workspace.getWorkspaceFolder(uri)?.uri.fsPath ?? dirname(uri.fsPath);
}

async function pick(): Promise<readonly vscode.Uri[] | undefined> {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  const isPreview = input instanceof vscode.TabInputCustom || input instanceof vscode.TabInputText;
  if (isPreview && isImage(input.uri.path)) return [input.uri];
  // The dialogs of Windows and Linux take files or folders, not both.
  const [images, folders] = [t("Images…"), t("Folders…")];
  const kind = await vscode.window.showQuickPick([images, folders], { title: t("MiniPic: what to work on") });
  if (kind === undefined) return undefined;
  return vscode.window.showOpenDialog({
    canSelectMany: true,
    canSelectFiles: kind === images,
    canSelectFolders: kind === folders,
    openLabel: t("Choose"),
  });
}
