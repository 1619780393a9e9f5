import { readFileSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { drawing } from "../pictures.ts";
import { usageNow, useStage } from "../stage.ts";

/** Longer than a file takes to settle and to be compressed. */
const QUIET_MS = 4_000;
const stage = useStage({ "old.png": drawing(11), "notes.md": "text" });

/** Waits until a file is smaller than what was written there. */
async function untilSmaller(name: string, sizeBytes: number): Promise<void> {
  await expect.poll(() => statSync(stage.path(name)).size, { timeout: 60_000 }).toBeLessThan(sizeBytes);
}

test("auto-compress is off at first: a new image stays as it is", async () => {
  await stage.window.page.getByText("MiniPic: Auto Off").waitFor();
  stage.write({ "early.png": drawing(12) });
  await sleep(QUIET_MS);
  expect(readFileSync(stage.path("early.png"))).toEqual(drawing(12));
});

test("switched on in the status bar it compresses new and changed images, each once, and none that was there", async () => {
  const { window } = stage;
  const { count } = await usageNow();
  await window.statusItem.click();
  await window.page.getByText("MiniPic: Auto On").waitFor();
  // A folder that comes with an image: the editor may tell of the folder alone.
  stage.write({ "img/new.png": drawing(13) });
  await untilSmaller("img/new.png", drawing(13).length);
  stage.write({ "img/new.png": drawing(14), "node_modules/x/other.png": drawing(15) });
  await untilSmaller("img/new.png", drawing(14).length);
  await sleep(QUIET_MS);
  expect((await usageNow()).count).toBe(count + 2);
  expect(readFileSync(stage.path("old.png"))).toEqual(drawing(11));
  await window.command("Output: Show Output Channels...");
  await window.page.locator(".quick-input-list .monaco-list-row", { hasText: "MiniPic" }).first().click();
  await window.page.getByText("img/new.png:").first().waitFor();
  await window.picture("auto");
});

test("what an undo brings back is not compressed again", async () => {
  const { window } = stage;
  const { count } = await usageNow();
  await window.command("MiniPic: Undo Last Compression");
  await window.notification("1 change undone").waitFor();
  await sleep(QUIET_MS);
  expect(readFileSync(stage.path("img/new.png"))).toEqual(drawing(14));
  expect((await usageNow()).count).toBe(count);
});

test("switched off it leaves new images alone", async () => {
  const { window } = stage;
  await window.command("MiniPic: Toggle Auto-Compress");
  await window.page.getByText("MiniPic: Auto Off").waitFor();
  stage.write({ "late.png": drawing(16) });
  await sleep(QUIET_MS);
  expect(readFileSync(stage.path("late.png"))).toEqual(drawing(16));
});
