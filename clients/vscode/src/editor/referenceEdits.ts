import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { posix } from "node:path";
import * as vscode from "vscode";
import { exclusion } from "../images/exclude.ts";
import { findEdits, type Places } from "../references/edits.ts";
import { mayRefer, textFiles } from "../references/texts.ts";
import { displayPath } from "./messages.ts";
import { excludePatterns } from "./settings.ts";

/** What an update of references did. */
export interface Updated {
  references: number;
  files: number;
  /** Files that had changes of their user, and were therefore changed but not saved. */
  unsaved: number;
  /** Whether the files named for deletion were deleted. */
  isDeleted: boolean;
}

const NOTHING: Updated = { references: 0, files: 0, unsaved: 0, isDeleted: false };

/**
 * Change what refers to renamed images in all text files of the workspace, as one step that one undo takes back.
 *
 * `renamed` has the images' old and new paths, as in `Uri.path`. `deletable` are deleted in the same step, unless a file
 * that refers to an image could not be saved. Throws when the editor refuses the step, or when `stop` is aborted before.
 */
export async function updateReferences(
  renamed: ReadonlyMap<string, string>,
  deletable: readonly vscode.Uri[],
  stop: AbortSignal,
  log: (line: string) => void,
): Promise<Updated> {
  if (renamed.size === 0) return NOTHING;
  const documents = await candidates(renamed, stop, log);
  const edit = new vscode.WorkspaceEdit();
  const touched: { document: vscode.TextDocument; wasDirty: boolean }[] = [];
  let references = 0;
  // From here to applyEdit nothing is awaited, so that no keystroke comes between.
  for (const document of documents) {
    const count = addEdits(edit, document, renamed);
    if (count === 0) continue;
    references += count;
    touched.push({ document, wasDirty: document.isDirty });
    log(`${displayPath(document.uri.fsPath)}: ${count}`);
  }
  const unsaved = touched.filter(({ wasDirty }) => wasDirty).length;
  const isDeleted = deletable.length > 0 && unsaved === 0;
  if (isDeleted) for (const uri of deletable) edit.deleteFile(uri, { ignoreIfNotExists: true });
  if (references === 0 && !isDeleted) return NOTHING;
  if (!(await vscode.workspace.applyEdit(edit)))
    throw new Error(vscode.l10n.t("The editor refused the change of references."));
  let failed = 0;
  for (const { document, wasDirty } of touched) {
    if (!wasDirty && !(await document.save())) failed += 1;
  }
  return { references, files: touched.length, unsaved: unsaved + failed, isDeleted };
}

/** Documents that may refer to an image, as they are in the editor or on the disk. */
async function candidates(
  renamed: ReadonlyMap<string, string>,
  stop: AbortSignal,
  log: (line: string) => void,
): Promise<vscode.TextDocument[]> {
  const names = [...renamed.keys()].map((path) => posix.basename(path));
  const open = new Map(vscode.workspace.textDocuments.map((document) => [document.uri.toString(), document]));
  const isExcluded = exclusion(excludePatterns());
  const found = new Map<string, vscode.TextDocument>();
  for (const folder of diskFolders()) {
    for await (const path of textFiles(folder.uri.fsPath, isExcluded, stop)) {
      const uri = vscode.Uri.file(path);
      const document = open.get(uri.toString());
      if (document !== undefined) {
        found.set(uri.toString(), document);
        continue;
      }
      try {
        if (mayRefer(await readFile(path), names))
          found.set(uri.toString(), await vscode.workspace.openTextDocument(uri));
      } catch (error) {
        log(`${displayPath(path)}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
  return [...found.values()];
}

function addEdits(
  edit: vscode.WorkspaceEdit,
  document: vscode.TextDocument,
  renamed: ReadonlyMap<string, string>,
): number {
  const places: Places = {
    roots: diskFolders().map(({ uri }) => uri.path),
    exists: (path) => existsSync(vscode.Uri.file(path).fsPath),
  };
  const edits = findEdits(document.uri.path, document.getText(), renamed, places);
  for (const { start, end, text } of edits) {
    edit.replace(document.uri, new vscode.Range(document.positionAt(start), document.positionAt(end)), text);
  }
  // A `type` attribute that goes with its path is no reference of its own.
  return edits.filter(({ text }) => text.startsWith(".")).length;
}

function diskFolders(): vscode.WorkspaceFolder[] {
  return (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === "file");
}
