/** What UI tests stand on: one window for all tests of a file, on a folder of their own. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, inject } from "vitest";
import { writeSettings } from "./server.ts";
import { launchBrowser, Window } from "./window.ts";

const { service, editor } = inject("running");

/** Files by their path inside the folder, with slashes. */
export type Files = Record<string, string | Buffer>;

/** How a stage is set. */
export interface StageOptions {
  settings?: Record<string, unknown>;
  /** Whether the extension gets its key before the first test; it does when this is not given. */
  hasKey?: boolean;
  /** Of the extension's texts, "en" when not given. */
  language?: string;
}

/** The window and its folder; there from the first test of the file on. */
export class Stage {
  window!: Window;
  /** Absolute, and always named website: it is seen in pictures. */
  folder!: string;
  readonly #texts: readonly string[];

  constructor(files: Files) {
    this.#texts = Object.keys(files).filter((name) => typeof files[name] === "string");
  }

  /** The absolute path of something in the folder. */
  path(name: string): string {
    return join(this.folder, name);
  }

  /** What the texts among the files that the stage was set with say now, on the disk. */
  texts(): Record<string, string> {
    return Object.fromEntries(this.#texts.map((name) => [name, readFileSync(this.path(name), "utf8")]));
  }

  /** Writes files into the folder. */
  write(files: Files): void {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(this.path(name)), { recursive: true });
      writeFileSync(this.path(name), content);
    }
  }
}

/** Sets the stage for the tests of one file, keeps a picture of what failed, and clears it all away. */
export function useStage(files: Files, options: StageOptions = {}): Stage {
  const stage = new Stage(files);
  let browser: Browser;
  beforeAll(async () => {
    stage.folder = join(mkdtempSync(join(tmpdir(), "minipic-ui-")), "website");
    mkdirSync(stage.folder);
    stage.write(files);
    writeSettings(editor.dataFolder, { "minipic.baseUrl": service.url, "files.autoSave": "off", ...options.settings });
    browser = await launchBrowser();
    const { language = "en" } = options;
    stage.window = await Window.open(browser, editor.url, stage.folder, { language });
    if (options.hasKey === false) return;
    await stage.window.setKey(service.key);
    await stage.window.clearNotifications();
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === "fail") {
      await stage.window.picture(`failed-${task.name.replace(/\W+/g, "-").slice(0, 80)}`);
    }
    await stage.window.clearNotifications();
  });
  afterAll(async () => {
    await stage.window.page.goto("about:blank");
    await browser.close();
    rmSync(dirname(stage.folder), { recursive: true, force: true, maxRetries: 5 });
  });
  return stage;
}

/** What the account used, from the service itself. */
export async function usageNow(): Promise<Usage> {
  const response = await fetch(`${service.url}/v1/usage`, { headers: { Authorization: `Bearer ${service.key}` } });
  return (await response.json()) as Usage;
}

/** The part of the answer of GET /v1/usage that tests look at. */
export interface Usage {
  month: string;
  plan: string;
  count: number;
  free: { limit: number; used: number; remaining: number };
  credits: { remaining: number };
  by_operation: Record<string, number>;
}
