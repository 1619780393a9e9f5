import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type * as vscode from "vscode";

import { AutoCompress } from "../../../src/editor/autoCompress.ts";
import { compressImages } from "../../../src/editor/compressCommand.ts";
import { undoLast } from "../../../src/editor/undoCommand.ts";
import { memory, Uri } from "../../double/vscode.ts";
import { KEY } from "../api/server.ts";
import { put } from "../images/folder.ts";
import { PNG, SMALL } from "../run/run.ts";
import { newStage, type Stage, until, uri } from "./stage.ts";

const STATE = "minipic.isAutoCompressOn";
let stage: Stage;
let state: Map<string, unknown>;

beforeEach(async () => {
  stage = await newStage();
  state = new Map();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

function newAuto(isOn = true): AutoCompress {
  state.set(STATE, isOn);
  const memento = {
    get: (name: string) => state.get(name),
    update: (name: string, value: unknown) => Promise.resolve(void state.set(name, value)),
  };
  return new AutoCompress(stage.services, memento as unknown as vscode.Memento);
}

/** The watcher hears of a file, and nothing more of it for long enough. */
function hear(path: string): void {
  memory.watchers.findLast(({ glob }) => glob !== "**")?.change.fire(Uri.file(path));
  vi.advanceTimersByTime(1000);
}

const lines = (): string[] => memory.lines.filter((line) => line.startsWith("auto: "));
const barText = (): string | undefined => memory.items[0]?.text;
const isIdle = (): boolean => !(barText() ?? "").includes("sync~spin");

/** Waits for the end of all that was begun. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  await until(isIdle);
}

describe("auto-compress", () => {
  it("is off at first, and hears nothing", () => {
    newAuto(false);
    expect([memory.watchers, barText()]).toEqual([[], "$(file-media) MiniPic: Auto Off"]);
  });

  it("is on again in a workspace that had it on", () => {
    newAuto();
    expect([memory.watchers.length, barText()]).toEqual([2, "$(file-media) MiniPic: Auto On"]);
  });

  it.each(["create", "change"] as const)("compresses a file that it hears of by %s", async (event) => {
    newAuto();
    const path = put(stage.root, "a.png", PNG);
    memory.watchers[0]?.[event].fire(Uri.file(path));
    vi.advanceTimersByTime(1000);
    await until(() => lines().length === 1);
    expect([readFileSync(path), lines()]).toEqual([SMALL, ["auto: a.png: 1.0 kB → 400 B (-60.0 %)"]]);
  });

  it("waits until nothing was heard of a file for a second", async () => {
    newAuto();
    const path = put(stage.root, "a.png", PNG);
    for (let part = 0; part < 5; part += 1) {
      memory.watchers[0]?.change.fire(Uri.file(path));
      vi.advanceTimersByTime(999);
    }
    await settled();
    expect(stage.server.seen).toEqual([]);
    vi.advanceTimersByTime(1);
    await until(() => lines().length === 1);
    expect(stage.server.seen).toHaveLength(1);
  });

  it("leaves its own writes alone, without a line", async () => {
    newAuto();
    const path = put(stage.root, "a.png", PNG);
    hear(path);
    await until(() => lines().length === 1);
    await settled();
    hear(path);
    await settled();
    expect([stage.server.seen.length, lines().length]).toEqual([1, 1]);
  });

  it("leaves alone what the commands wrote, and what an undo brought back", async () => {
    newAuto();
    const path = put(stage.root, "a.png", PNG);
    await compressImages(stage.services, uri(path));
    hear(path);
    await settled();
    await undoLast(stage.services);
    hear(path);
    await settled();
    expect([stage.server.seen.length, readFileSync(path)]).toEqual([1, PNG]);
  });

  it("compresses a file again that was changed since", async () => {
    newAuto();
    const path = put(stage.root, "a.png", PNG);
    hear(path);
    await until(() => lines().length === 1);
    await settled();
    writeFileSync(path, `${PNG.toString("latin1")}new`, "latin1");
    hear(path);
    await until(() => lines().length === 2);
    expect(stage.server.seen).toHaveLength(2);
  });

  it("keeps the format, and never writes a larger file, whatever the settings say", async () => {
    memory.settings.set("format", "webp").set("skipIfLarger", false);
    newAuto();
    const path = put(stage.root, "a.png", SMALL.subarray(0, 100));
    hear(path);
    await until(() => lines().length === 1);
    expect(lines()).toEqual(["auto: a.png: skipped, the result would not be smaller"]);
    expect(readdirSync(stage.root)).toEqual(["a.png"]);
  });

  it.each(["dist/a.png", "node_modules/a.png", ".git/a.png", "a.txt"])("does not hear of %s", async (name) => {
    memory.settings.set("exclude", ["**/dist/**"]);
    newAuto();
    hear(put(stage.root, name, PNG));
    await settled();
    expect(stage.server.seen).toEqual([]);
  });

  it("does not hear of what lies on no disk", async () => {
    newAuto();
    memory.watchers[0]?.create.fire(new Uri("vscode-vfs", put(stage.root, "a.png", PNG)));
    vi.advanceTimersByTime(1000);
    await settled();
    expect(stage.server.seen).toEqual([]);
  });

  it("takes what it heard of meanwhile in the next run", async () => {
    newAuto();
    const paths = [put(stage.root, "a.png", PNG), put(stage.root, "b.png", `${PNG.toString("latin1")}b`)];
    for (const path of paths) hear(path);
    await until(() => lines().length === 2);
    await settled();
    expect([stage.server.seen.length, barText()]).toEqual([2, "$(file-media) MiniPic: Auto On"]);
  });
});

describe("the switch", () => {
  it("is turned by the command, and remembered", async () => {
    const auto = newAuto(false);
    await auto.toggle();
    expect([state.get(STATE), barText(), memory.watchers[0]?.isDisposed]).toEqual([
      true,
      "$(file-media) MiniPic: Auto On",
      false,
    ]);
    await auto.toggle();
    expect([state.get(STATE), barText(), memory.watchers[0]?.isDisposed]).toEqual([
      false,
      "$(file-media) MiniPic: Auto Off",
      true,
    ]);
  });

  it("stays off where there is no key", async () => {
    stage.secrets.clear();
    const auto = newAuto(false);
    const toggled = auto.toggle();
    await until(() => memory.inputs[0]?.isShown === true);
    memory.inputs[0]?.hide.fire(undefined);
    await toggled;
    expect([memory.watchers, state.get(STATE)]).toEqual([[], false]);
  });

  it("forgets what waits when it is turned off", async () => {
    const auto = newAuto();
    memory.watchers[0]?.create.fire(Uri.file(put(stage.root, "a.png", PNG)));
    await auto.toggle();
    vi.advanceTimersByTime(5000);
    await settled();
    expect(stage.server.seen).toEqual([]);
  });

  it("goes off with the window, and is on in the next", () => {
    const auto = newAuto();
    memory.watchers[0]?.create.fire(Uri.file(put(stage.root, "a.png", PNG)));
    auto.dispose();
    const [watcher] = memory.watchers;
    expect([watcher?.isDisposed, memory.items[0]?.isDisposed, vi.getTimerCount(), state.get(STATE)]).toEqual([
      true,
      true,
      0,
      true,
    ]);
  });

  it("goes off for an error that every image would meet, and says why once", async () => {
    stage.secrets.set(`minipic.apiKey ${stage.server.url}`, KEY.replace("0", "9"));
    newAuto();
    const paths = ["a.png", "b.png"].map((name) => put(stage.root, name, PNG));
    for (const path of paths) memory.watchers[0]?.create.fire(Uri.file(path));
    vi.advanceTimersByTime(1000);
    await until(() => memory.messages.length === 1);
    await settled();
    expect([state.get(STATE), barText()]).toEqual([false, "$(file-media) MiniPic: Auto Off"]);
    expect(memory.messages).toMatchObject([
      { kind: "warning", text: "MiniPic: auto-compress was switched off. This key is not valid." },
    ]);
  });

  it("goes off where the key was removed", async () => {
    newAuto();
    stage.secrets.clear();
    hear(put(stage.root, "a.png", PNG));
    await until(() => memory.messages.length === 1);
    expect(memory.messages[0]?.text).toBe("MiniPic: auto-compress was switched off. There is no key for this service.");
  });

  it("goes off for an address that is none", async () => {
    newAuto();
    memory.settings.set("baseUrl", "nowhere");
    hear(put(stage.root, "a.png", PNG));
    await until(() => memory.messages.length === 1);
    expect([memory.messages[0]?.text.includes("minipic.baseUrl"), state.get(STATE)]).toEqual([true, false]);
  });

  it("stays on for an error of one image", async () => {
    newAuto();
    hear(`${stage.root}/gone.png`);
    await until(() => lines().length === 1);
    expect([lines(), state.get(STATE)]).toEqual([["auto: gone.png: skipped, it is gone"], true]);
  });
});
