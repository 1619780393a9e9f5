import { readFileSync, statSync } from "node:fs";
import { expect, inject, test } from "vitest";
import { drawing, PHOTO } from "../pictures.ts";
import { useStage } from "../stage.ts";

const { service } = inject("running");
const FOLDER = {
  "img/one.png": drawing(1),
  "img/deep/er/two.PNG": drawing(2),
  "img/node_modules/three.png": drawing(3),
  "img/notes.txt": "no image",
};
const stage = useStage(
  { "hero.jpg": PHOTO, "banner.png": drawing(4), "logo.png": drawing(5), "team.png": drawing(6), ...FOLDER },
  { hasKey: false },
);

test("a right click on a file asks for a key, refuses a wrong one, and compresses in place with the right one", async () => {
  const { window } = stage;
  const entry = await window.menuEntry(["hero.jpg"], "MiniPic: Compress Images");
  await window.picture("menu-file");
  await entry.click();
  await window.prompt("The key for").waitFor();
  await window.picture("key");
  await window.answer("The key for", `mp_live_${"0".repeat(36)}`);
  await window.prompt("missing or not valid").waitFor();
  await window.picture("key-refused");
  await window.answer("missing or not valid", service.key);
  expect(await window.summary(/1 compressed/)).toMatch(
    /^MiniPic: 1 compressed, 524\.3 kB → [\d.]+ kB \(-[\d.]+ %\)\.$/,
  );
  await window.picture("summary");
  expect(statSync(stage.path("hero.jpg")).size).toBeLessThan(PHOTO.length);
});

test("a right click on a folder compresses the images at every depth, but none in node_modules", async () => {
  await (await stage.window.menuEntry(["img"], "MiniPic: Compress Images")).click();
  await stage.window.summary(/2 compressed/);
  const isChanged = (name: keyof typeof FOLDER): boolean =>
    !readFileSync(stage.path(name)).equals(Buffer.from(FOLDER[name]));
  const changed = (Object.keys(FOLDER) as (keyof typeof FOLDER)[]).filter(isChanged);
  expect(changed).toEqual(["img/one.png", "img/deep/er/two.PNG"]);
});

test("the undo command brings back every byte of the last run, and of no run before it", async () => {
  const hero = readFileSync(stage.path("hero.jpg"));
  await stage.window.command("MiniPic: Undo Last Compression");
  await stage.window.notification("2 changes undone").waitFor();
  const now = Object.fromEntries(Object.keys(FOLDER).map((name) => [name, readFileSync(stage.path(name), "latin1")]));
  expect(now).toEqual(
    Object.fromEntries(
      Object.entries(FOLDER).map(([name, content]) => [name, Buffer.from(content).toString("latin1")]),
    ),
  );
  expect(readFileSync(stage.path("hero.jpg"))).toEqual(hero);
});

test("several selected images are compressed, and those that are not selected stay", async () => {
  await (await stage.window.menuEntry(["banner.png", "team.png"], "MiniPic: Compress Images")).click();
  await stage.window.summary(/2 compressed/);
  const sizes = ["banner.png", "logo.png", "team.png"].map(
    (name) => statSync(stage.path(name)).size < drawing(0).length,
  );
  expect(sizes).toEqual([true, false, true]);
});

test("the menu of a file that is no image has no entry of the extension", async () => {
  const { window } = stage;
  await window.row("img").click();
  await window.page.keyboard.press("ArrowRight");
  await window.row("notes.txt").click({ button: "right" });
  await window.page.getByRole("menuitem", { name: "Rename" }).waitFor();
  expect(await window.page.getByRole("menuitem", { name: /MiniPic/ }).count()).toBe(0);
  await window.page.keyboard.press("Escape");
});

test("the palette lists all six commands", async () => {
  const { window } = stage;
  await window.paletteEntry("MiniPic: ");
  const titles = [
    "Set API Key",
    "Compress Images",
    "Convert to WebP",
    "Toggle Auto-Compress",
    "View Usage",
    "Undo Last",
  ];
  for (const title of titles) {
    await window.page.locator(".quick-input-list").getByText(`MiniPic: ${title}`).first().waitFor();
  }
  await window.page.keyboard.press("Escape");
});
