import { expect, test } from "vitest";
import { drawing } from "../pictures.ts";
import { usageNow, useStage } from "../stage.ts";

const stage = useStage({ "a.png": drawing(21) });

test("the usage panel shows the numbers of GET /v1/usage", async () => {
  const { window } = stage;
  await (await window.menuEntry(["a.png"], "MiniPic: Compress Images")).click();
  await window.summary(/1 compressed/);
  await window.clearNotifications();
  await window.command("MiniPic: View Usage");
  await window.webview.locator("table").waitFor();
  await window.picture("usage");
  const { month, plan, count, free, credits } = await usageNow();
  const rows = await window.webview.locator("tr").allInnerTexts();
  const shown = Object.fromEntries(rows.map((row) => row.split("\t")) as [string, string][]);
  expect(await window.webview.locator("h1").innerText()).toContain(month);
  expect(shown).toMatchObject({
    "Compressed this month": `${count}`,
    "Free images left": `${free.remaining} of ${free.limit}`,
    "Credits left": `${credits.remaining}`,
    "By operation": `compress ${count}`,
    Plan: plan,
  });
  expect(Number(shown["Estimate for the whole month"])).toBeGreaterThanOrEqual(count);
});
