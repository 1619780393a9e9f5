import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it, vi } from "vitest";

import { compressImages } from "../../../src/editor/compressCommand.ts";
import { undoLast, undoRun } from "../../../src/editor/undoCommand.ts";
import { digest } from "../../../src/images/writing.ts";
import { memory } from "../../double/vscode.ts";
import { KEY, sendJson, serve } from "../api/server.ts";
import { put } from "../images/folder.ts";
import { PNG, SMALL } from "../run/run.ts";
import { newStage, type Stage, until, uri } from "./stage.ts";

let stage: Stage;

beforeEach(async () => {
  stage = await newStage();
});

const texts = (): string[] => memory.messages.map(({ text }) => text);
const compress = (path: string): Promise<void> => compressImages(stage.services, uri(path));

describe("compressImages", () => {
  it("compresses a folder, and sums up in one message", async () => {
    const paths = [put(stage.root, "a.png", PNG), put(stage.root, "img/b.png", PNG)];
    put(stage.root, "node_modules/c.png", PNG);
    await compress(stage.root);
    expect(paths.map((path) => readFileSync(path))).toEqual([SMALL, SMALL]);
    expect(memory.messages).toEqual([
      {
        kind: "information",
        text: "MiniPic: 2 compressed, 2.0 kB → 800 B (-60.0 %).",
        actions: ["Undo", "Show Log"],
      },
    ]);
  });

  it("writes a line a file into the log, and the summary", async () => {
    put(stage.root, "a.png", PNG);
    put(stage.root, "b.png", "");
    await compress(stage.root);
    expect(memory.lines.sort()).toEqual([
      "MiniPic: 1 compressed, 1.0 kB → 400 B (-60.0 %), 1 skipped.",
      "a.png: 1.0 kB → 400 B (-60.0 %)",
      "b.png: skipped, it is empty",
    ]);
  });

  it("shows how far it is, up to the whole", async () => {
    for (const name of ["a.png", "b.png", "c.png", "d.png"]) put(stage.root, name, name);
    await compress(stage.root);
    const last = memory.progress.at(-1)?.message;
    const sum = memory.progress.reduce((all, { increment = 0 }) => all + increment, 0);
    expect([last, Math.round(sum)]).toEqual(["4 of 4 images", 100]);
  });

  it("says that there is no image", async () => {
    put(stage.root, "a.txt");
    await compress(stage.root);
    expect([texts(), stage.server.seen]).toEqual([["MiniPic: there is no image to compress there."], []]);
  });

  it("does nothing without a choice", async () => {
    await compressImages(stage.services);
    expect([texts(), stage.server.seen]).toEqual([[], []]);
  });

  it("does nothing without a key", async () => {
    stage.secrets.clear();
    const done = compress(put(stage.root, "a.png", PNG));
    await until(() => memory.inputs[0]?.isShown === true);
    memory.inputs[0]?.hide.fire(undefined);
    await done;
    expect([memory.progress, stage.server.seen]).toEqual([[], []]);
  });

  it("throws for a choice that is gone", async () => {
    await expect(compress(join(stage.root, "a.png"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("leaves no journal of a run that changed nothing", async () => {
    await compress(put(stage.root, "a.png", ""));
    expect(readdirSync(stage.services.journals)).toEqual([]);
  });

  it("stops at a cancel, and lets what is in work end", async () => {
    memory.settings.set("concurrency", 1);
    for (const name of ["a.png", "b.png", "c.png"]) put(stage.root, name, name.repeat(200));
    const done = compress(stage.root);
    await until(() => stage.server.seen.length === 1);
    memory.cancel.fire(undefined);
    await done;
    expect([texts(), stage.server.seen.length]).toEqual([
      ["MiniPic: stopped: 1 compressed, 1.0 kB → 400 B (-60.0 %), 2 not begun."],
      1,
    ]);
  });

  it("ends what is in work when a cancelled run's grace is over", async () => {
    const silent = await serve(() => undefined);
    memory.settings.set("baseUrl", silent.url);
    stage.secrets.set(`minipic.apiKey ${silent.url}`, KEY);
    const path = put(stage.root, "a.png", PNG);
    const timers = vi.spyOn(globalThis, "setTimeout");
    const done = compress(path);
    await until(() => silent.seen.length === 1);
    timers.mockClear();
    memory.cancel.fire(undefined);
    const [end, graceMs] = timers.mock.calls[0] ?? [];
    timers.mockRestore();
    end?.();
    await done;
    expect([graceMs, readFileSync(path)]).toEqual([5000, PNG]);
    expect(texts()).toEqual(["MiniPic: stopped: no image was changed, 1 skipped."]);
    expect(memory.lines[0]).toBe("a.png: skipped, stopped while the service worked on it");
  });

  it("says nothing of a run that was cancelled while it looked for images", async () => {
    put(stage.root, "a/b.png", PNG);
    const done = compress(stage.root);
    await until(() => memory.progress.length === 1);
    memory.cancel.fire(undefined);
    await done;
    expect([texts(), stage.server.seen]).toEqual([[], []]);
  });
});

describe("the summary's actions", () => {
  it("brings the originals back by Undo", async () => {
    const path = put(stage.root, "a.png", PNG);
    memory.choice = "Undo";
    await compress(path);
    await until(() => memory.messages.length === 2);
    expect([readFileSync(path), texts()[1]]).toEqual([PNG, "MiniPic: 1 change undone."]);
  });

  it("shows the log", async () => {
    memory.choice = "Show Log";
    await compress(put(stage.root, "a.png", PNG));
    await until(() => memory.isLogShown);
    expect(memory.isLogShown).toBe(true);
  });

  it("offers to set the key where it is refused, as a warning", async () => {
    stage.secrets.set(`minipic.apiKey ${stage.server.url}`, KEY.replace("0", "9"));
    memory.choice = "Set API Key";
    await compress(put(stage.root, "a.png", PNG));
    await until(() => memory.inputs.length === 1);
    expect(memory.messages).toMatchObject([{ kind: "warning", actions: ["Set API Key", "Show Log"] }]);
    memory.inputs[0]?.hide.fire(undefined);
  });

  it("offers more images where the limit is reached, and opens their page", async () => {
    const error = { error: "AccountLimitReached", message: "Enough.", upgrade_url: "https://example.com/more" };
    const limited = await serve((_seen, response) => {
      sendJson(429, error)(response);
    });
    memory.settings.set("baseUrl", limited.url);
    stage.secrets.set(`minipic.apiKey ${limited.url}`, KEY);
    memory.choice = "More Images";
    await compress(put(stage.root, "a.png", PNG));
    await until(() => memory.opened.length === 1);
    expect([memory.opened, texts()]).toEqual([
      ["https://example.com/more"],
      ["MiniPic: no image was changed, 1 failed. Enough."],
    ]);
  });
});

describe("undoLast", () => {
  it("takes run after run back, the newest first", async () => {
    const [one, two] = [put(stage.root, "1.png", PNG), put(stage.root, "2.png", `${PNG.toString("latin1")}2`)];
    const before = readFileSync(two);
    await compress(one);
    await compress(two);
    await undoLast(stage.services);
    expect([readFileSync(one), readFileSync(two)]).toEqual([SMALL, before]);
    await undoLast(stage.services);
    expect(readFileSync(one)).toEqual(PNG);
    await undoLast(stage.services);
    expect(texts().at(-1)).toBe("MiniPic: there is nothing to undo.");
  });

  it("leaves what was changed since, and says so", async () => {
    const path = put(stage.root, "a.png", PNG);
    await compress(path);
    writeFileSync(path, "changed");
    await undoLast(stage.services);
    expect([readFileSync(path, "utf8"), texts().at(-1)]).toEqual([
      "changed",
      "MiniPic: 0 changes undone, 1 left, see the log.",
    ]);
    expect(memory.lines.at(-1)).toBe("a.png: left, it was changed since");
  });

  it("keeps the originals of an older run whose files a newer one changed", async () => {
    const path = put(stage.root, "a.png", PNG);
    await compress(path);
    const [older = ""] = readdirSync(stage.services.journals);
    memory.settings.set("quality", "extreme");
    const other = await serve((_request, response) => {
      response.writeHead(200, { "Content-Type": "image/png" }).end(SMALL.subarray(0, 300));
    });
    memory.settings.set("baseUrl", other.url);
    stage.secrets.set(`minipic.apiKey ${other.url}`, KEY);
    await compress(path);
    await undoRun(stage.services, join(stage.services.journals, older));
    expect(texts().at(-1)).toBe("MiniPic: 0 changes undone, 1 left, see the log.");
    await undoLast(stage.services);
    await undoLast(stage.services);
    expect(readFileSync(path)).toEqual(PNG);
  });

  it("keeps a run whose undoing failed, so that it may be tried again", async () => {
    const path = put(stage.root, "a.png", PNG);
    await compress(path);
    const [run = ""] = readdirSync(stage.services.journals);
    const folder = join(stage.services.journals, run);
    for (const name of readdirSync(folder)) if (name !== "changes.jsonl") rmSync(join(folder, name));
    await undoLast(stage.services);
    expect(memory.messages.at(-1)).toMatchObject({ kind: "warning", text: "MiniPic: 0 changes undone, 1 failed." });
    expect([readFileSync(path), existsSync(folder)]).toEqual([SMALL, true]);
  });

  it("waits for no images in work", async () => {
    stage.services.inWork.add("/w/a.png");
    await undoLast(stage.services);
    expect(texts()).toEqual(["MiniPic: images are in work. Stop them or wait, then undo."]);
  });

  it("is told to auto-compress beforehand, which leaves the originals alone", async () => {
    const path = put(stage.root, "a.png", PNG);
    await compress(path);
    await undoLast(stage.services);
    expect(stage.services.known.isOwn(digest(PNG))).toBe(true);
  });
});
