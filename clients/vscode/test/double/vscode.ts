/** What the extension uses of the editor's API, in plain memory: tests set it up, look into it, and fire its events. */

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { relative } from "node:path";

type Listener<Value> = (value: Value) => void;

/** An event of the API, and what makes it happen. */
export class Happening<Value = undefined> {
  readonly #listeners: Listener<Value>[] = [];
  readonly on = (listener: Listener<Value>): { dispose: () => void } => {
    this.#listeners.push(listener);
    return { dispose: () => undefined };
  };
  fire(value: Value): void {
    for (const listener of this.#listeners) listener(value);
  }
}

export class Uri {
  readonly scheme: string;
  readonly path: string;
  constructor(scheme: string, path: string) {
    this.scheme = scheme;
    this.path = path;
  }
  static file(path: string): Uri {
    return new Uri("file", path);
  }
  static parse(text: string): Uri {
    const [scheme = "", path = ""] = text.split(/:(.*)/s);
    return new Uri(scheme, path);
  }
  get fsPath(): string {
    return this.path;
  }
  toString(): string {
    return `${this.scheme}:${this.path}`;
  }
}

export class Range {
  readonly start: number;
  readonly end: number;
  constructor(start: number, end: number) {
    this.start = start;
    this.end = end;
  }
}

/** A document whose positions are plain offsets. */
export class TextDocument {
  readonly uri: Uri;
  text: string;
  isDirty = false;
  canBeSaved = true;
  constructor(uri: Uri) {
    this.uri = uri;
    this.text = readFileSync(uri.path, "utf8");
  }
  getText = (): string => this.text;
  positionAt = (offset: number): number => offset;
  save(): Promise<boolean> {
    if (this.canBeSaved) writeFileSync(this.uri.path, this.text);
    return Promise.resolve(this.canBeSaved);
  }
}

export class WorkspaceEdit {
  readonly replacements: { uri: Uri; range: Range; text: string }[] = [];
  readonly deletions: Uri[] = [];
  replace(uri: Uri, range: Range, text: string): void {
    this.replacements.push({ uri, range, text });
  }
  deleteFile(uri: Uri): void {
    this.deletions.push(uri);
  }
}

export class TabInputText {
  readonly uri: Uri;
  constructor(uri: Uri) {
    this.uri = uri;
  }
}

export class TabInputCustom {
  readonly uri: Uri;
  constructor(uri: Uri) {
    this.uri = uri;
  }
}

function newInputBox() {
  const [accept, hide, change] = [new Happening(), new Happening(), new Happening<string>()];
  return {
    ...{ title: "", prompt: "", placeholder: "", value: "", validationMessage: undefined as string | undefined },
    ...{ password: false, ignoreFocusOut: false, busy: false, enabled: true, isShown: false, isDisposed: false },
    ...{ onDidAccept: accept.on, onDidHide: hide.on, onDidChangeValue: change.on },
    ...{ accept, hide, change },
    show() {
      this.isShown = true;
    },
    dispose() {
      this.isDisposed = true;
    },
  };
}

function newWatcher(glob: string) {
  const [create, change] = [new Happening<Uri>(), new Happening<Uri>()];
  const watcher = { glob, create, change, onDidCreate: create.on, onDidChange: change.on, isDisposed: false };
  return Object.assign(watcher, { dispose: () => (watcher.isDisposed = true) });
}

function newPanel(title: string) {
  const dispose = new Happening();
  const panel = { title, webview: { html: "" }, revealed: 0, dispose, onDidDispose: dispose.on };
  return Object.assign(panel, { reveal: () => (panel.revealed += 1) });
}

function newMemory() {
  return {
    /** Without the prefix `minipic.`. */
    settings: new Map<string, unknown>(),
    messages: [] as { kind: string; text: string; actions: string[] }[],
    /** The action that is chosen in every message that offers it. */
    choice: undefined as string | undefined,
    inputs: [] as ReturnType<typeof newInputBox>[],
    watchers: [] as ReturnType<typeof newWatcher>[],
    panels: [] as ReturnType<typeof newPanel>[],
    items: [] as { text: string; tooltip: string | undefined; isDisposed: boolean }[],
    lines: [] as string[],
    isLogShown: false,
    progress: [] as { message?: string; increment?: number }[],
    cancel: new Happening(),
    commands: new Map<string, (...args: unknown[]) => unknown>(),
    picked: undefined as Uri[] | undefined,
    pickedItem: undefined as number | undefined,
    dialogs: [] as { canSelectFiles: boolean; canSelectFolders: boolean }[],
    activeInput: undefined as unknown,
    folders: undefined as { uri: Uri }[] | undefined,
    documents: [] as TextDocument[],
    isEditRefused: false,
    opened: [] as string[],
  };
}

/** All that the double holds. */
export let memory = newMemory();

/** Begin again with nothing. */
export function forget(): void {
  memory = newMemory();
}

const message =
  (kind: string) =>
  (text: string, ...actions: string[]): Promise<string | undefined> => {
    memory.messages.push({ kind, text, actions });
    return Promise.resolve(actions.find((action) => action === memory.choice));
  };

function kept<Value>(list: Value[], value: Value): Value {
  list.push(value);
  return value;
}

export const l10n = {
  t: (text: string, ...args: (string | number)[]): string =>
    text.replace(/\{(\d)\}/g, (_all, at: string) => String(args[Number(at)])),
};
export const env = {
  language: "en",
  openExternal: (uri: Uri): Promise<boolean> => Promise.resolve(memory.opened.push(uri.toString()) > 0),
};
export const ProgressLocation = { Window: 10, Notification: 15 };
export const StatusBarAlignment = { Left: 1, Right: 2 };
export const ViewColumn = { Active: -1 };
export const commands = {
  registerCommand(name: string, run: (...args: unknown[]) => unknown): { dispose: () => void } {
    memory.commands.set(name, run);
    return { dispose: () => undefined };
  },
};

type Task<Value> = (progress: object, token: object) => Promise<Value>;

export const window = {
  showInformationMessage: message("information"),
  showWarningMessage: message("warning"),
  showErrorMessage: message("error"),
  showOpenDialog: (options: { canSelectFiles: boolean; canSelectFolders: boolean }) => {
    memory.dialogs.push(options);
    return Promise.resolve(memory.picked);
  },
  showQuickPick: (items: string[]) => Promise.resolve(items[memory.pickedItem ?? -1]),
  createInputBox: () => kept(memory.inputs, newInputBox()),
  createWebviewPanel: (_type: string, title: string) => kept(memory.panels, newPanel(title)),
  createOutputChannel: () => ({
    appendLine: (line: string) => memory.lines.push(line),
    show: () => (memory.isLogShown = true),
    dispose: () => undefined,
  }),
  createStatusBarItem() {
    const item = { text: "", tooltip: undefined, isDisposed: false, show: () => undefined };
    return kept(memory.items, Object.assign(item, { dispose: () => (item.isDisposed = true) }));
  },
  withProgress<Value>(_options: object, task: Task<Value>): Promise<Value> {
    const report = (step: { message?: string; increment?: number }): number => memory.progress.push(step);
    return task({ report }, { onCancellationRequested: memory.cancel.on });
  },
  tabGroups: {
    get activeTabGroup() {
      return { activeTab: memory.activeInput === undefined ? undefined : { input: memory.activeInput } };
    },
  },
};

const folderOf = ({ path }: Uri): { uri: Uri } | undefined =>
  memory.folders?.find(({ uri }) => path.startsWith(`${uri.path}/`));

export const workspace = {
  get workspaceFolders() {
    return memory.folders;
  },
  get textDocuments() {
    return memory.documents;
  },
  getConfiguration: () => ({
    get: (name: string, fallback: unknown) => (memory.settings.has(name) ? memory.settings.get(name) : fallback),
  }),
  getWorkspaceFolder: folderOf,
  asRelativePath(path: string): string {
    const folder = folderOf(Uri.file(path));
    return folder === undefined ? path : relative(folder.uri.path, path);
  },
  createFileSystemWatcher: (glob: string) => kept(memory.watchers, newWatcher(glob)),
  openTextDocument: (uri: Uri) => Promise.resolve(kept(memory.documents, new TextDocument(uri))),
  applyEdit({ replacements, deletions }: WorkspaceEdit): Promise<boolean> {
    if (memory.isEditRefused) return Promise.resolve(false);
    for (const { uri, range, text } of replacements.reverse()) {
      const document = memory.documents.find((each) => each.uri.path === uri.path);
      if (document !== undefined)
        document.text = document.text.slice(0, range.start) + text + document.text.slice(range.end);
    }
    for (const { path } of deletions) rmSync(path, { force: true });
    return Promise.resolve(true);
  },
};
