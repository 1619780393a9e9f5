import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type * as vscode from "vscode";

import { AutoCompress } from "../../../src/editor/autoCompress.ts";
import { memory, Uri } from "../../double/vscode.ts";
import { KEY, serve } from "../api/server.ts";
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

const barText = (): string | undefined => memory.items[0]?.text;

it("auto-compress stays on while the service cannot be reached, and tries again a minute later", async () => {
  let requests = 0;
  const server = await serve((_request, response) => {
    requests += 1;
    if (requests === 1) response.writeHead(301, { Location: "https://elsewhere.example/" }).end();
    else response.writeHead(200, { "Content-Type": "image/png" }).end(SMALL);
  });
  memory.settings.set("baseUrl", server.url);
  stage.secrets.set(`minipic.apiKey ${server.url}`, KEY);
  const memento = { get: () => true, update: () => Promise.resolve() };
  new AutoCompress(stage.services, memento as unknown as vscode.Memento);
  const path = put(stage.root, "a.png", PNG);
  memory.watchers[0]?.change.fire(Uri.file(path));
  vi.advanceTimersByTime(1000);
  await until(() => barText()?.includes("sync~spin") === true);
  await until(() => barText()?.includes("sync~spin") === false);
  expect([readFileSync(path), memory.messages, barText()]).toEqual([PNG, [], "$(file-media) MiniPic: Auto On"]);
  vi.advanceTimersByTime(60_000);
  await until(() => requests === 2 && !readFileSync(path).equals(PNG));
  expect(readFileSync(path)).toEqual(SMALL);
});
