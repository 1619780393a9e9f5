import { readFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
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

type Requests = (count: number, response: ServerResponse) => void;

/** Auto-compress on, with a service that answers so, and an image that was heard of; counts the requests. */
async function started(answer: Requests): Promise<{ path: string; requests: () => number }> {
  const server = await serve((_request, response, count) => {
    answer(count, response);
  });
  memory.settings.set("baseUrl", server.url);
  stage.secrets.set(`minipic.apiKey ${server.url}`, KEY);
  const memento = { get: () => true, update: () => Promise.resolve() };
  new AutoCompress(stage.services, memento as unknown as vscode.Memento);
  const path = put(stage.root, "a.png", PNG);
  memory.watchers[0]?.change.fire(Uri.file(path));
  vi.advanceTimersByTime(1000);
  await ended();
  return { path, requests: () => server.seen.length };
}

async function ended(): Promise<void> {
  await until(() => barText()?.includes("sync~spin") === true);
  await until(() => barText()?.includes("sync~spin") === false);
}

const small: Requests = (_count, response) => void response.writeHead(200, { "Content-Type": "image/png" }).end(SMALL);

it("auto-compress stays on while the service cannot be reached, and tries again a minute later", async () => {
  const { path, requests } = await started((count, response) => {
    if (count === 1) response.writeHead(301, { Location: "https://elsewhere.example/" }).end();
    else small(count, response);
  });
  expect([readFileSync(path), memory.messages, barText()]).toEqual([PNG, [], "$(file-media) MiniPic: Auto On"]);
  vi.advanceTimersByTime(60_000);
  await until(() => requests() === 2 && !readFileSync(path).equals(PNG));
  expect(readFileSync(path)).toEqual(SMALL);
});

it("auto-compress tries an image again that a gateway refused, ten times at most", async () => {
  const { path, requests } = await started((_count, response) => {
    response.writeHead(503, { "Retry-After": "600" }).end();
  });
  for (let minute = 1; minute < 10; minute += 1) {
    vi.advanceTimersByTime(60_000);
    await ended();
  }
  vi.advanceTimersByTime(600_000);
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect([requests(), readFileSync(path), memory.messages]).toEqual([10, PNG, []]);
});

it("auto-compress compresses an image that a gateway refused before, once the service takes it", async () => {
  const { path, requests } = await started((count, response) => {
    if (count === 2) small(count, response);
    else response.writeHead(503, { "Retry-After": "600" }).end();
  });
  vi.advanceTimersByTime(60_000);
  await until(() => readFileSync(path).equals(SMALL));
  expect(requests()).toBe(2);
});

it("auto-compress takes an image later that another run had in work", async () => {
  stage.services.inWork.add(join(stage.root, "a.png"));
  const { path, requests } = await started(small);
  stage.services.inWork.clear();
  vi.advanceTimersByTime(1000);
  await until(() => readFileSync(path).equals(SMALL));
  expect(requests()).toBe(1);
});
