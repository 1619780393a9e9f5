import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { photo } from "../pictures.ts";
import { useStage } from "../stage.ts";

const COUNT = 30;
const PHOTOS = Object.fromEntries(
  Array.from({ length: COUNT }, (_each, at) => [`photos/${String(at + 1).padStart(2, "0")}.jpg`, photo(at)]),
);
const stage = useStage(PHOTOS, { settings: { "minipic.concurrency": 1 } });

test("a run shows its progress, and a cancel ends it with every file whole: as it was, or compressed", async () => {
  const { window } = stage;
  await (await window.menuEntry(["photos"], "MiniPic: Compress Images")).click();
  const progress = window.notification(/[4-9] of 30 images/);
  await progress.waitFor();
  await window.picture("progress");
  await window.notification("of 30 images").getByRole("button", { name: "Cancel" }).click();
  const text = await window.summary("stopped: ");
  await window.picture("stopped");
  // The image in work is skipped where the service does not end it within the grace of a cancel.
  const counts = /stopped: (\d+) compressed, .*?(?:, (\d+) skipped)?, (\d+) not begun\./.exec(text) ?? [];
  const [compressed = 0, skipped = 0, leftOver = 0] = counts
    .slice(1)
    .map((count: string | undefined) => Number(count ?? 0));
  const now = Object.keys(PHOTOS).map((name) => readFileSync(stage.path(name)));
  const untouched = Object.values(PHOTOS).filter((original, at) => now[at]?.equals(original));
  expect([COUNT - untouched.length, untouched.length]).toEqual([compressed, skipped + leftOver]);
  const isWhole = (bytes: Buffer): boolean =>
    bytes.readUInt16BE(0) === 0xffd8 && bytes.readUInt16BE(bytes.length - 2) === 0xffd9;
  expect(now.every(isWhole)).toBe(true);
});
