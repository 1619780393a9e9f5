import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { useStage } from "../stage.ts";
import { CONVERTED, FILES, FOREIGN, IMAGES, REFERENCES, TEXTS } from "../website.ts";

const stage = useStage({ ...IMAGES, ...TEXTS, ...FOREIGN });

test("a conversion puts WebP images beside the originals and saves every reference to them, outside of node_modules", async () => {
  const { window } = stage;
  await window.openFile("index.html");
  await (await window.menuEntry(["img"], "MiniPic: Convert to WebP and Update References")).click();
  const text = await window.summary("references updated");
  await window.picture("references");
  expect(text).toContain(`${REFERENCES} references updated in ${FILES} files.`);
  expect(readdirSync(stage.path("img")).sort()).toEqual(["hero.jpg", "hero.webp", "logo.png", "logo.webp"]);
  expect(stage.texts()).toEqual({ ...CONVERTED, ...FOREIGN });
});

test("one undo in the open file takes the references back in all files", async () => {
  const { window } = stage;
  await window.openFile("index.html");
  await window.page.keyboard.press("Control+Z");
  await window.page
    .locator(".tab.dirty")
    .nth(FILES - 1)
    .waitFor();
  await window.command("File: Save All Files");
  await expect.poll(() => stage.texts(), { timeout: 60_000 }).toEqual({ ...TEXTS, ...FOREIGN });
});

test("a second conversion makes nothing anew, and leaves what people took back", async () => {
  const { window } = stage;
  await (await window.menuEntry(["img"], "MiniPic: Convert to WebP and Update References")).click();
  expect(await window.summary("2 skipped")).toBe("MiniPic: no image was changed, 2 skipped.");
  expect(stage.texts()).toEqual({ ...TEXTS, ...FOREIGN });
});
