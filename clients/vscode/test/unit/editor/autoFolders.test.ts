import { readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type * as vscode from "vscode";

import { AutoCompress } from "../../../src/editor/autoCompress.ts";
import { memory, Uri } from "../../double/vscode.ts";
import { put } from "../images/folder.ts";
import { PNG, SMALL } from "../run/run.ts";
import { newStage, type Stage, until } from "./stage.ts";

let stage: Stage;

beforeEach(async () => {
  stage = await newStage();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

function switchOn(): void {
  const memento = { get: () => true, update: () => Promise.resolve() };
  new AutoCompress(stage.services, memento as unknown as vscode.Memento);
}

/** Lets a second pass, and what it brings about come to its end. */
async function passed(): Promise<void> {
  vi.advanceTimersByTime(1000);
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe("a new folder", () => {
  /** Auto-compress hears of it, and has the time to look into it, and for what it finds to settle. */
  async function hearFolder(path: string): Promise<void> {
    memory.watchers.find(({ glob }) => glob === "**")?.create.fire(Uri.file(path));
    await passed();
    await passed();
  }

  it("has its images compressed, at every depth, though nothing was heard of them", async () => {
    switchOn();
    const paths = [put(stage.root, "new/a.png", PNG), put(stage.root, "new/deep/er/b.png", PNG)];
    put(stage.root, "new/node_modules/c.png", PNG);
    memory.watchers.find(({ glob }) => glob === "**")?.create.fire(Uri.file(join(stage.root, "new")));
    vi.advanceTimersByTime(1000);
    await until(() => vi.getTimerCount() === paths.length);
    vi.advanceTimersByTime(1000);
    await until(() => paths.every((path) => readFileSync(path).equals(SMALL)));
    expect(stage.server.seen).toHaveLength(2);
  });

  it.each(["node_modules/new", "gone", "notes.txt", "link"])("is none, or left out: %s", async (name) => {
    switchOn();
    put(stage.root, "node_modules/new/a.png", PNG);
    put(stage.root, "notes.txt");
    symlinkSync(join(put(stage.root, "../pictures/a.png", PNG), ".."), join(stage.root, "link"));
    await hearFolder(join(stage.root, name));
    expect(stage.server.seen).toEqual([]);
  });

  it("and a link to an image elsewhere is not followed", async () => {
    switchOn();
    const elsewhere = put(stage.root, "../pictures/a.png", PNG);
    put(stage.root, "notes.txt");
    symlinkSync(elsewhere, join(stage.root, "a.png"));
    memory.watchers.find(({ glob }) => glob !== "**")?.create.fire(Uri.file(join(stage.root, "a.png")));
    await passed();
    expect([stage.server.seen, readFileSync(elsewhere)]).toEqual([[], PNG]);
  });

  it("that goes at once is forgotten", async () => {
    switchOn();
    const folder = join(put(stage.root, "new/a.png", PNG), "..");
    memory.watchers.find(({ glob }) => glob === "**")?.create.fire(Uri.file(folder));
    rmSync(folder, { recursive: true });
    await passed();
    expect([stage.server.seen, memory.messages]).toEqual([[], []]);
  });
});
