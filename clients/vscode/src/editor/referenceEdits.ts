import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { posix } from "node:path";
import * as vscode from "vscode";
import { exclusion } from "../images/exclude.ts";
import { findDoubts } from "../references/doubts.ts";
import { type Edit, findEdits, type Places } from "../references/edits.ts";
import { mayRefer, textFiles } from "../references/texts.ts";
import { displayPath } from "./messages.ts";
import { excludePatterns } from "./settings.ts";

/** A text file, and the base name of a renamed image in it. */
export interface Doubt {
  file: string;
  name: string;
}

/** What an update of references did. */
export interface Updated {
  references: number;
  files: number;
  /** Files that had changes of their user, and were therefore changed but not saved. */
  unsaved: number;
  /** Files that may refer to an image and could not be read: they are as they were. */
  unread: number;
  /** Images that a file mentions by a path which could not be followed, and may mean. */
  doubts: readonly Doubt[];
  /** Whether the files named for deletion were deleted. */
  isDeleted: boolean;
}

/**
 * Change what refers to renamed images in all text files of the workspace, as one step that one undo takes back.
 *
 * `renamed` has the images' old and new paths, as in `Uri.path`. What `deletable` gives, asked last of all and told of
 * doubts, is deleted in the same step, unless a file that refers to an image could not be changed and saved. Throws when
 * the editor refuses the step, or when `stop` is aborted before.
 */
export async function updateReferences(
  renamed: ReadonlyMap<string, string>,
  deletable: (doubts: readonly Doubt[]) => Promise<readonly vscode.Uri[]>,
  stop: AbortSignal,
  log: (line: string) => void,
): Promise<Updated> {
  const { documents, unread, doubts } = await candidates(renamed, stop, log);
  const isAnyDirty =
    unread > 0 || documents.some((document) => document.isDirty && editsOf(document, renamed).length > 0);
  const deletions = isAnyDirty ? [] : await deletable(doubts);
  const edit = new vscode.WorkspaceEdit();
  const touched: { document: vscode.TextDocument; wasDirty: boolean }[] = [];
  let references = 0;
  // From here to applyEdit nothing is awaited, so that no keystroke comes between.
  for (const document of documents) {
    const count = addEdits(edit, document, editsOf(document, renamed));
    if (count === 0) continue;
    references += count;
    touched.push({ document, wasDirty: document.isDirty });
    log(`${displayPath(document.uri.fsPath)}: ${count}`);
  }
  const unsaved = touched.filter(({ wasDirty }) => wasDirty).length;
  const isDeleted = deletions.length > 0 && unsaved === 0;
  if (isDeleted) for (const uri of deletions) edit.deleteFile(uri, { ignoreIfNotExists: true });
  if (references === 0 && !isDeleted) return { references, files: 0, unsaved, unread, doubts, isDeleted };
  if (!(await vscode.workspace.applyEdit(edit)))
    throw new Error(vscode.l10n.t("The editor refused the change of references."));
  let failed = 0;
  for (const { document, wasDirty } of touched) {
    if (!wasDirty && !(await document.save())) failed += 1;
  }
  return { references, files: touched.length, unsaved: unsaved + failed, unread, doubts, isDeleted };
}

/** A line for each doubt, so that people can look for themselves. */
export function logDoubts(doubts: readonly Doubt[], log: (line: string) => void): void {
  for (const { file, name } of doubts) {
    log(vscode.l10n.t("{0}: mentions {1}, but no file lies where it says", displayPath(file), name));
  }
}

interface Candidates {
  /** Those that refer to an image, and all that are open, as they are in the editor or on the disk. */
  documents: vscode.TextDocument[];
  /** How many files may refer to an image and cannot be read. */
  unread: number;
  doubts: Doubt[];
}

async function candidates(
  renamed: ReadonlyMap<string, string>,
  stop: AbortSignal,
  log: (line: string) => void,
): Promise<Candidates> {
  const names = [...renamed.keys()].map((path) => posix.basename(path));
  const open = new Map(vscode.workspace.textDocuments.map((document) => [document.uri.toString(), document]));
  const documents = new Map<string, vscode.TextDocument>();
  const unread = new Set<string>();
  const doubts: Doubt[] = [];
  if (renamed.size === 0) return { documents: [], unread: 0, doubts };
  for await (const path of workspaceTexts(stop)) {
    const uri = vscode.Uri.file(path);
    const document = open.get(uri.toString());
    try {
      const text = document === undefined ? await textNaming(path, names) : await textOf(document, path, names);
      if (text === undefined) continue;
      if (document !== undefined) documents.set(uri.toString(), document);
      for (const name of findDoubts(uri.path, text, renamed, places())) doubts.push({ file: path, name });
      if (document !== undefined || findEdits(uri.path, text, renamed, places()).length === 0) continue;
      documents.set(uri.toString(), await opened(uri, text));
    } catch (error) {
      unread.add(path);
      log(`${displayPath(path)}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { documents: [...documents.values()], unread: unread.size, doubts };
}

async function* workspaceTexts(stop: AbortSignal): AsyncGenerator<string> {
  const isExcluded = exclusion(excludePatterns());
  for (const folder of diskFolders()) yield* textFiles(folder.uri.fsPath, isExcluded, stop);
}

/** The text of a file, if it may name an image. Throws where it does, and the text is in no encoding that is sure. */
async function textNaming(path: string, names: readonly string[]): Promise<string | undefined> {
  const bytes = await readFile(path);
  if (!mayRefer(bytes, names)) return undefined;
  return decoded(bytes);
}

/** The text of an open document. Throws where it may name an image, and the editor could not read the file's bytes. */
async function textOf(document: vscode.TextDocument, path: string, names: readonly string[]): Promise<string> {
  const text = document.getText();
  if (text.includes("\ufffd")) await textNaming(path, names);
  return text;
}

/** The document of a file. Throws if the editor reads other text than is there, and would damage it by saving. */
async function opened(uri: vscode.Uri, text: string): Promise<vscode.TextDocument> {
  const document = await vscode.workspace.openTextDocument(uri);
  if (unixLines(document.getText()) !== unixLines(text)) throw unknownEncoding();
  return document;
}

function unknownEncoding(): Error {
  return new Error(vscode.l10n.t("its encoding is not known, so it was left as it is"));
}

/** What is no UTF-8 is in an encoding that the editor would guess. */
function decoded(bytes: Uint8Array): string {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : "utf-8";
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw unknownEncoding();
  }
}

/** The editor gives all lines of a file the ending that most of them have. */
function unixLines(text: string): string {
  return text.replace(/\r\n?/g, "\n");
}

function places(): Places {
  return {
    roots: diskFolders().map(({ uri }) => vscode.Uri.file(uri.fsPath).path),
    exists: (path) => existsSync(vscode.Uri.file(path).fsPath),
  };
}

function editsOf(document: vscode.TextDocument, renamed: ReadonlyMap<string, string>): Edit[] {
  return findEdits(vscode.Uri.file(document.uri.fsPath).path, document.getText(), renamed, places());
}

function addEdits(edit: vscode.WorkspaceEdit, document: vscode.TextDocument, edits: readonly Edit[]): number {
  for (const { start, end, text } of edits) {
    edit.replace(document.uri, new vscode.Range(document.positionAt(start), document.positionAt(end)), text);
  }
  // A `type` attribute that goes with its path is no reference of its own.
  return edits.filter(({ text }) => text.startsWith(".")).length;
}

function diskFolders(): vscode.WorkspaceFolder[] {
  return (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === "file");
}
