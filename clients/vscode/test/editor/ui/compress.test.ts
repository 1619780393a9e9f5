import { copyFileSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { launchBrowser, Window } from "../window.ts";

const SAMPLE = fileURLToPath(new URL("../../../../../docs/images/sample.jpg", import.meta.url));
const { service, editor } = inject("running");
let browser: Browser;
let window: Window;
let folder: string;

beforeAll(async () => {
  browser = await launchBrowser();
});

afterAll(() => browser.close());

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "minipic-ui-"));
  copyFileSync(SAMPLE, join(folder, "hero.jpg"));
  window = await Window.open(browser, editor.url, folder);
});

afterEach(async ({ task }) => {
  if (task.result?.state === "fail") await window.picture(`failed-${task.name.replace(/\W+/g, "-")}`);
  await window.close();
  rmSync(folder, { recursive: true, force: true });
});

test("a right click on a file asks for a key, refuses a wrong one, and compresses in place with the right one", async () => {
  const entry = await window.menuEntry(["hero.jpg"], "MiniPic: Compress Images");
  await window.picture("menu-file");
  await entry.click();
  await window.answer("The key for", `mp_live_${"0".repeat(36)}`);
  await window.prompt("missing or not valid").waitFor();
  await window.picture("key-refused");
  await window.answer("missing or not valid", service.key);
  await window.notification(/1 compressed/).waitFor();
  await window.picture("summary");
  expect(statSync(join(folder, "hero.jpg")).size).toBeLessThan(statSync(SAMPLE).size);
});
