import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { drawing } from "../pictures.ts";
import { useStage } from "../stage.ts";

const stage = useStage(
  { "a.png": drawing(31) },
  { hasKey: false, settings: { "minipic.baseUrl": "http://127.0.0.1:9" } },
);

test("an address where nothing answers is told with its host, and nothing is changed", async () => {
  const { window } = stage;
  await (await window.menuEntry(["a.png"], "MiniPic: Compress Images")).click();
  await window.answer("The key for http://127.0.0.1:9", `mp_live_${"0".repeat(36)}`);
  await window.prompt("127.0.0.1:9 does not answer").waitFor();
  await window.page.keyboard.press("Escape");
  expect(readFileSync(stage.path("a.png"))).toEqual(drawing(31));
});
