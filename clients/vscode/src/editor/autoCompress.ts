import { lstatSync, type Stats } from "node:fs";
import { relative, sep } from "node:path";
import * as vscode from "vscode";
import { isUnavailable, Unreachable } from "../api/errors.ts";
import { exclusion } from "../images/exclude.ts";
import { isImage } from "../images/formats.ts";
import { findImages } from "../images/walk.ts";
import { compressAll } from "../run/compress.ts";
import { Journal } from "../run/journal.ts";
import { type Outcome, type Report, sizeText, totals } from "../run/outcome.ts";
import { rootOf } from "./choices.ts";
import { connect, connectSilently } from "./connection.ts";
import { errorText, outcomeLine } from "./messages.ts";
import type { Services } from "./services.ts";
import { excludePatterns, settingsWish } from "./settings.ts";

const { t } = vscode.l10n;
const STATE = "minipic.isAutoCompressOn";
/** A file is taken when nothing was heard of it for so long: programs write large files in pieces. */
const SETTLE_MS = 1_000;
const RETRY_MS = 60_000;
const TRIES_WHEN_REFUSED = 10;
const GLOB =
  "**/*.{[pP][nN][gG],[jJ][pP][gG],[jJ][pP][eE][gG],[wW][eE][bB][pP],[gG][iI][fF],[aA][vV][iI][fF],[tT][iI][fF],[tT][iI][fF][fF]}";

/**
 * Compresses new and changed images of the workspace by themselves, each in its own format, while it is switched on.
 * Off at first; the switch belongs to the workspace and is shown in the status bar.
 */
export class AutoCompress implements vscode.Disposable {
  readonly #services: Services;
  readonly #state: vscode.Memento;
  readonly #item: vscode.StatusBarItem;
  readonly #settling = new Map<string, NodeJS.Timeout>();
  readonly #ready = new Set<string>();
  readonly #newFolders = new Set<string>();
  /** How often a gateway refused an image, of those that are tried again. */
  readonly #refused = new Map<string, number>();
  #watcher: vscode.FileSystemWatcher | undefined;
  #folderWatcher: vscode.FileSystemWatcher | undefined;
  #off = new AbortController();
  #looking: NodeJS.Timeout | undefined;
  #isRunning = false;

  constructor(services: Services, state: vscode.Memento) {
    this.#services = services;
    this.#state = state;
    this.#item = vscode.window.createStatusBarItem("minipic.auto", vscode.StatusBarAlignment.Right, 50);
    this.#item.name = "MiniPic";
    this.#item.command = "minipic.toggleAutoCompress";
    if (state.get<boolean>(STATE, false)) this.#switchOn();
    this.#show();
    this.#item.show();
  }

  dispose(): void {
    this.#switchOff();
    this.#item.dispose();
  }

  /** The command: switch on or off. Switching on asks for a key where none is stored. */
  async toggle(): Promise<void> {
    if (this.#watcher !== undefined) return this.#set(false);
    if ((await connect(this.#services)) !== undefined) await this.#set(true);
  }

  async #set(isOn: boolean): Promise<void> {
    if (isOn) this.#switchOn();
    else this.#switchOff();
    this.#show();
    await this.#state.update(STATE, isOn);
  }

  #switchOn(): void {
    if (this.#watcher !== undefined) return;
    this.#off = new AbortController();
    this.#watcher = vscode.workspace.createFileSystemWatcher(GLOB, false, false, true);
    this.#watcher.onDidCreate((uri) => {
      this.#hear(uri);
    });
    this.#watcher.onDidChange((uri) => {
      this.#hear(uri);
    });
    // Of a folder that comes with its files the editor may tell the folder alone.
    this.#folderWatcher = vscode.workspace.createFileSystemWatcher("**", false, true, true);
    this.#folderWatcher.onDidCreate((uri) => {
      this.#hearFolder(uri);
    });
  }

  #switchOff(): void {
    this.#off.abort();
    this.#watcher?.dispose();
    this.#watcher = undefined;
    this.#folderWatcher?.dispose();
    this.#folderWatcher = undefined;
    for (const timer of this.#settling.values()) clearTimeout(timer);
    this.#settling.clear();
    clearTimeout(this.#looking);
    this.#newFolders.clear();
    this.#ready.clear();
    this.#refused.clear();
  }

  #hear(uri: vscode.Uri): void {
    if (uri.scheme === "file" && isImage(uri.path)) this.#takeIn(uri.fsPath, SETTLE_MS);
  }

  /** Look into a new folder when it has had time to be filled. A link is none: it may lead out of the workspace. */
  #hearFolder(uri: vscode.Uri): void {
    if (uri.scheme !== "file" || statusOf(uri.fsPath)?.isDirectory() !== true) return;
    this.#newFolders.add(uri.fsPath);
    clearTimeout(this.#looking);
    this.#looking = setTimeout(() => void this.#lookIntoFolders(), SETTLE_MS);
  }

  async #lookIntoFolders(): Promise<void> {
    const isExcluded = exclusion(excludePatterns());
    const folders = [...this.#newFolders];
    this.#newFolders.clear();
    for (const path of folders) {
      const root = rootOf(vscode.Uri.file(path));
      if (isExcluded(relative(root, path).replaceAll(sep, "/"))) continue;
      // None where it is gone again, or auto-compress was switched off.
      const images = await findImages([{ path, root }], isExcluded, this.#off.signal).catch(() => []);
      for (const image of images) if (!this.#settling.has(image)) this.#takeIn(image, SETTLE_MS);
    }
  }

  /** Compress a file when nothing is heard of it for so long. */
  #takeIn(path: string, afterMs: number): void {
    clearTimeout(this.#settling.get(path));
    const timer = setTimeout(() => {
      this.#settling.delete(path);
      this.#ready.add(path);
      void this.#drain();
    }, afterMs);
    this.#settling.set(path, timer);
  }

  /** Compress what is ready, run after run, until nothing is. */
  async #drain(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      while (this.#ready.size > 0) {
        const isExcluded = exclusion(excludePatterns());
        const paths = [...this.#ready].filter((path) => {
          const root = rootOf(vscode.Uri.file(path));
          // As in folders that are chosen, links are left alone: they may lead out of the workspace.
          return !isExcluded(relative(root, path).replaceAll(sep, "/")) && !statusOf(path)?.isSymbolicLink();
        });
        this.#ready.clear();
        if (paths.length === 0) continue;
        this.#show(paths.length);
        await this.#compress(paths);
      }
    } catch (error) {
      await this.#giveUp(errorText(error));
    } finally {
      this.#isRunning = false;
      this.#show();
    }
  }

  async #compress(paths: readonly string[]): Promise<void> {
    const client = await connectSilently(this.#services);
    if (client === undefined) return this.#giveUp(t("There is no key for this service."));
    const journal = await Journal.begin(this.#services.autoJournals, Date.now());
    const wish = {
      ...settingsWish(),
      // Nobody watches: files are only ever made smaller, none is added or deleted.
      format: "keep",
      skipIfLarger: true,
      skipLargerConversion: true,
      isAuto: true,
    };
    const off = this.#off.signal;
    const report = await compressAll(paths, wish, {
      ...this.#services,
      client,
      journal,
      stop: off,
      // What is in work when it is switched off is paid for, and may end.
      signal: new AbortController().signal,
      report: (outcome) => {
        // Its own writes come back as news: they are not worth a line.
        const isOwnWrite = outcome.kind === "skipped" && outcome.why === "alreadyDone";
        if (!isOwnWrite) this.#services.log.appendLine(t("auto: {0}", outcomeLine(outcome)));
      },
    });
    await journal.end();
    const { beforeBytes, afterBytes, compressed } = totals(report.outcomes);
    if (compressed > 0) this.#item.tooltip = t("Last: {0} saved", sizeText(beforeBytes - afterBytes));
    if (report.fatal !== undefined && !isUnavailable(report.fatal)) return this.#giveUp(errorText(report.fatal));
    this.#tryLater(paths, report);
  }

  /** A service that does not answer may soon: a laptop wakes before its network does. */
  #tryLater(paths: readonly string[], { outcomes }: Report): void {
    if (this.#watcher === undefined) return;
    const ended = new Map(outcomes.map((outcome) => [outcome.path, outcome]));
    for (const path of paths) {
      const outcome = ended.get(path);
      if (outcome?.kind === "skipped" && outcome.why === "inWork") this.#takeIn(path, SETTLE_MS);
      else if (outcome === undefined || this.#isWorthATry(outcome)) this.#takeIn(path, RETRY_MS);
      else this.#refused.delete(path);
    }
  }

  /** Whether the service may take the image yet: what its gateway refuses again and again may be the image itself. */
  #isWorthATry(outcome: Outcome): boolean {
    if (outcome.kind !== "failed" || !isUnavailable(outcome.error)) return false;
    if (outcome.error instanceof Unreachable) return true;
    const times = (this.#refused.get(outcome.path) ?? 0) + 1;
    this.#refused.set(outcome.path, times);
    return times < TRIES_WHEN_REFUSED;
  }

  /** Switch off, and say why: an error that every image meets would be told for each of them. */
  async #giveUp(why: string): Promise<void> {
    await this.#set(false);
    void vscode.window.showWarningMessage(`MiniPic: ${t("auto-compress was switched off.")} ${why}`);
  }

  #show(inWork = 0): void {
    const isOn = this.#watcher !== undefined;
    if (inWork > 0) this.#item.text = t("$(sync~spin) MiniPic: {0}", inWork);
    else this.#item.text = isOn ? t("$(file-media) MiniPic: Auto On") : t("$(file-media) MiniPic: Auto Off");
    this.#item.tooltip ??= t("Compress new and changed images by themselves. Every image counts.");
  }
}

/** Of a link itself, not of what it leads to; undefined where nothing lies, or nothing can be seen. */
function statusOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}
