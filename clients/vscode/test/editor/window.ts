/** A window of the editor, driven as a person does: by mouse and keyboard, in Chromium. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  chromium,
  type Browser,
  type BrowserContext,
  type FrameLocator,
  type Locator,
  type Page,
} from "playwright-core";
import { BUILD } from "./server.ts";

/** Of a loaded machine, on which a window alone takes 20 s to open. */
const PATIENCE_MS = 90_000;
const PICTURES = join(BUILD, "vscode");

/** Starts Chromium with none of its own traffic. Its path can be set by CHROMIUM. */
export function launchBrowser(): Promise<Browser> {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  const quiet = ["--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--no-first-run", ...quiet] });
}

/** How a window is opened. */
export interface WindowOptions {
  /** The language that the editor tells extensions, "en" when not given: its own texts need a language pack. */
  language?: string;
  /** A context whose windows share the secrets; a new one when not given. */
  context?: BrowserContext;
}

/** A profile of its own, whose windows share their secrets. */
export async function newContext(browser: Browser, language = "en"): Promise<BrowserContext> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 760 }, locale: "en" });
  await context.addInitScript(`globalThis._VSCODE_NLS_LANGUAGE = "${language}"`);
  // code-server's own front gives a key for the secrets that the page stores; without one they end with the window.
  const key = Buffer.alloc(32, 1);
  await context.route("**/mint-key", (route) => route.fulfill({ body: key }));
  return context;
}

/** A window with one folder open. */
export class Window {
  readonly page: Page;

  private constructor(page: Page) {
    this.page = page;
  }

  /** Opens a folder and waits until the extension runs. */
  static async open(browser: Browser, url: string, folder: string, options: WindowOptions = {}): Promise<Window> {
    const context = options.context ?? (await newContext(browser, options.language));
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    await page.goto(`${url}/?folder=${encodeURIComponent(folder)}`);
    const window = new Window(page);
    await window.statusItem.waitFor();
    return window;
  }

  /** Closes the window and forgets its secrets. */
  async close(): Promise<void> {
    await this.page.context().close();
  }

  /** The extension's item in the status bar. */
  get statusItem(): Locator {
    return this.page.locator('.statusbar-item[id^="minipic.minipic-vscode"]');
  }

  /** A row of the Explorer, by the name of its file or folder. */
  row(name: string): Locator {
    const label = this.page.getByText(name, { exact: true });
    return this.page.locator(".explorer-folders-view .monaco-list-row").filter({ has: label });
  }

  /** Opens the context menu of one row, or of several that are selected first, and gives the entry with this title. */
  async menuEntry(names: string[], title: string): Promise<Locator> {
    for (const [index, name] of names.entries()) {
      if (names.length > 1) await this.row(name).click({ modifiers: index === 0 ? [] : ["Control"] });
    }
    const last = names.at(-1);
    if (last === undefined) throw new Error("no row named");
    await this.row(last).click({ button: "right" });
    const entry = this.page.getByRole("menuitem", { name: title });
    await entry.hover();
    return entry;
  }

  /** Types a command's title into the palette and gives its row. */
  async paletteEntry(title: string): Promise<Locator> {
    await this.page.keyboard.press("F1");
    await this.page.locator(".quick-input-box input").fill(`>${title}`);
    const entry = this.page.locator(".quick-input-list .monaco-list-row", { hasText: title }).first();
    await entry.waitFor();
    return entry;
  }

  /** Runs a command from the palette, by its title. */
  async command(title: string): Promise<void> {
    await (await this.paletteEntry(title)).click();
  }

  /** The input box whose prompt, title or message has this text. */
  prompt(text: string | RegExp): Locator {
    return this.page.locator(".quick-input-widget:visible", { hasText: text });
  }

  /** Types into the input box that has this text, and confirms. */
  async answer(prompt: string | RegExp, text: string): Promise<void> {
    const box = this.prompt(prompt);
    await box.locator(".quick-input-box input").fill(text);
    await this.page.keyboard.press("Enter");
  }

  /** Gives the extension its key, by its command. */
  async setKey(key: string): Promise<void> {
    await this.command("MiniPic: Set API Key");
    await this.answer("The key for", key);
    await this.prompt("The key for").waitFor({ state: "hidden" });
  }

  /** A notification that has this text: a message, or progress. */
  notification(text: string | RegExp): Locator {
    return this.page.locator(".notification-toast", { hasText: text });
  }

  /** Takes all notifications away, so that the next one with the same words is not mistaken for an old one. */
  async clearNotifications(): Promise<void> {
    await this.command("Notifications: Clear All Notifications");
    await this.notification("").first().waitFor({ state: "detached" });
  }

  /** Waits for the summary of a run, and for its progress to go; gives what it says. */
  async summary(text: string | RegExp): Promise<string> {
    const toast = this.notification(text).filter({ hasText: "Show Log" });
    await toast.waitFor();
    await this.page.locator(".notification-toast .monaco-progress-container.active").waitFor({ state: "detached" });
    return (await toast.locator(".notification-list-item-message").textContent()) ?? "";
  }

  /** Opens a file of the folder by its name, in an editor that stays. */
  async openFile(name: string): Promise<void> {
    await this.page.keyboard.press("Control+P");
    await this.page.locator(".quick-input-box input").fill(name);
    await this.page.locator(".quick-input-list .monaco-list-row", { hasText: name }).first().waitFor();
    await this.page.keyboard.press("Enter");
    await this.page.locator(".tab.active", { hasText: name }).waitFor();
    await this.page.locator(".editor-instance .view-lines").first().click();
  }

  /** The modal dialog that has this text. */
  dialog(text: string | RegExp): Locator {
    return this.page.locator(".monaco-dialog-box", { hasText: text });
  }

  /** The document inside a webview. There must be one webview only. */
  get webview(): FrameLocator {
    return this.page.frameLocator("iframe.webview.ready").frameLocator("iframe#active-frame");
  }

  /** Keeps a picture of the window as build/vscode/NAME.png. */
  async picture(name: string): Promise<void> {
    mkdirSync(PICTURES, { recursive: true });
    await this.page.screenshot({ path: join(PICTURES, `${name}.png`), animations: "disabled" });
  }
}
