import { afterEach, expect, it } from "vitest";

import { compressAll } from "../../../src/run/compress.ts";
import { newFolder, put } from "../images/folder.ts";
import { givesWebp, newTrial, PNG, TO_WEBP } from "./run.ts";

const { platform } = process;
const runOn = (value: string): void => void Object.defineProperty(process, "platform", { value });

afterEach(() => {
  runOn(platform);
});

it.each([
  ["win32", 1],
  ["darwin", 1],
  ["linux", 2],
])("of two originals whose results differ in letters' case alone, on %s %i are paid for", async (system, count) => {
  runOn(system);
  const folder = newFolder();
  const trial = await newTrial(async (...sent) => {
    // The first stays in work until the other was refused or is paid for, too: this disk tells letters' case.
    while (trial.sent.length + trial.told.length < 2) await new Promise((resolve) => setImmediate(resolve));
    return givesWebp(...sent);
  });
  await compressAll([put(folder, "Hero.jpg", PNG), put(folder, "hero.png", PNG)], TO_WEBP, trial.run);
  expect(trial.sent).toHaveLength(count);
});
