import { statSync } from "node:fs";
import { expect, inject, test, vi } from "vitest";
import { drawing, PHOTO } from "../pictures.ts";
import { useStage } from "../stage.ts";

const { service } = inject("running");
const stage = useStage(
  { "hero.jpg": PHOTO, "logo.png": drawing(31), "index.html": `<img src="logo.png">` },
  { hasKey: false, language: "zh-cn" },
);

test("in Chinese the menu, the key, the summary and the log speak Chinese", async () => {
  const { window } = stage;
  const entry = await window.menuEntry(["hero.jpg"], "MiniPic: 压缩图片");
  await window.picture("zh-menu");
  await entry.click();
  await window.prompt("的密钥。它保存在编辑器的机密存储中。").waitFor();
  await window.picture("zh-key");
  await window.answer("的密钥。", service.key);
  const toast = window.notification(/已压缩 1 张/).filter({ hasText: "显示日志" });
  await toast.waitFor();
  await window.picture("zh-summary");
  expect(await toast.locator(".notification-list-item-message").textContent()).toMatch(
    /^MiniPic: 已压缩 1 张，524\.3 kB → [\d.]+ kB（-[\d.]+ %）。$/,
  );
  expect(statSync(stage.path("hero.jpg")).size).toBeLessThan(PHOTO.length);
});

test("in Chinese references are counted, and undone", async () => {
  const { window } = stage;
  await (await window.menuEntry(["logo.png"], "MiniPic: 转换为 WebP 并更新引用")).click();
  await window.notification("已更新 1 处引用。").waitFor();
  expect(stage.texts()["index.html"]).toBe(`<img src="logo.webp">`);
  await window.command("MiniPic: 撤销上次压缩");
  await window.notification("MiniPic: 已撤销 1 项更改。").waitFor();
  expect(stage.texts()["index.html"]).toBe(`<img src="logo.png">`);
});

test("in Chinese the usage panel names its numbers, and the status bar its switch", async () => {
  const { window } = stage;
  await window.command("MiniPic: 查看用量");
  await window.webview.locator("table").waitFor();
  await window.picture("zh-usage");
  const names = await window.webview.locator("tr th, tr td:first-child").allInnerTexts();
  expect(names).toEqual(expect.arrayContaining(["本月已压缩", "剩余免费图片", "剩余点数", "全月预估"]));
  expect(await window.statusItem.innerText()).toContain("MiniPic: 自动关");
});

test("in Chinese a service that does not answer is told in Chinese", async () => {
  const { window } = stage;
  stage.write({ ".vscode/settings.json": JSON.stringify({ "minipic.baseUrl": "http://127.0.0.1:9" }) });
  await vi.waitFor(async () => {
    await window.command("MiniPic: 设置 API 密钥");
    await window.prompt("http://127.0.0.1:9 的密钥。").waitFor({ timeout: 2_000 });
  }, 90_000);
  await window.answer("的密钥。", service.key);
  await window.prompt("127.0.0.1:9 没有响应。").waitFor();
  await window.picture("zh-unreachable");
  await window.page.keyboard.press("Escape");
});
