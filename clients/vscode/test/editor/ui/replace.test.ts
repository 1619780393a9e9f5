import { existsSync, readFileSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { drawing } from "../pictures.ts";
import { useStage } from "../stage.ts";
import { CONVERTED, FOREIGN, IMAGES, TEXTS } from "../website.ts";

const DRAFT = { "draft/draft.html": `<img src="sketch.png">\n`, "draft/sketch.png": drawing(201) };
const stage = useStage(
  { ...IMAGES, ...TEXTS, ...FOREIGN, ...DRAFT },
  { settings: { "minipic.keepOriginalOnConvert": false } },
);

test("without minipic.keepOriginalOnConvert the originals go, but not one that an address may mean", async () => {
  await (await stage.window.menuEntry(["img"], "MiniPic: Convert to WebP and Update References")).click();
  expect(await stage.window.summary("references updated")).toContain(
    "Mentioned by a path that could not be followed: 1, see the log. These originals stay.",
  );
  expect(readdirSync(stage.path("img")).sort()).toEqual(["hero.jpg", "hero.webp", "logo.webp"]);
  expect(stage.texts()).toMatchObject(CONVERTED);
});

test("the undo command brings originals and references back and deletes the WebP images", async () => {
  await stage.window.command("MiniPic: Undo Last Compression");
  await stage.window.notification("3 changes undone").waitFor();
  await stage.window.picture("undone");
  expect(readdirSync(stage.path("img")).sort()).toEqual(["hero.jpg", "logo.png"]);
  for (const [name, bytes] of Object.entries(IMAGES)) expect(readFileSync(stage.path(name)).equals(bytes)).toBe(true);
  expect(stage.texts()).toMatchObject(TEXTS);
});

test("a file with changes of its user is changed but not saved, and the original that it refers to stays", async () => {
  const { window } = stage;
  await window.openFile("draft.html");
  await window.page.keyboard.type("<!-- mine -->");
  await window.row("draft").click();
  await (await window.menuEntry(["draft"], "MiniPic: Convert to WebP and Update References")).click();
  expect(await window.summary("reference updated")).toContain(
    "1 reference updated. Not saved yet: 1. The originals stay.",
  );
  await window.picture("unsaved");
  const editor = window.page.locator(".editor-instance .view-lines");
  expect((await editor.textContent())?.replaceAll("\u00a0", " ")).toContain(`src="sketch.webp"`);
  expect(readFileSync(stage.path("draft/draft.html"), "utf8")).toBe(DRAFT["draft/draft.html"]);
  expect(existsSync(stage.path("draft/sketch.png"))).toBe(true);
});
