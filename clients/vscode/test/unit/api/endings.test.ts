import { EventEmitter, once } from "node:events";
import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Client } from "../../../src/api/client.ts";
import { Unreachable } from "../../../src/api/errors.ts";
import { pause, type Pause } from "../../../src/api/pace.ts";
import {
  errorOf,
  impatient,
  KEY,
  LARGE,
  never,
  PICTURE,
  sendImage,
  sendJson,
  serve,
  serveInTurn,
  WISH,
} from "./server.ts";

afterEach(() => {
  vi.useRealTimers();
});

/** A server that takes requests and answers none; `started` is fulfilled by the first. */
async function silent(begin: (response: ServerResponse) => void = () => undefined) {
  const first = new EventEmitter();
  const started = once(first, "request");
  const server = await serve((_seen, response) => {
    begin(response);
    first.emit("request");
  });
  return { ...server, started };
}

describe("an aborted signal", () => {
  const reason = new Error("cancelled");

  test("before the call sends nothing", async () => {
    const server = await serveInTurn(sendImage());
    const call = impatient(server.url).client.compress(PICTURE, WISH, AbortSignal.abort(reason));
    expect(await errorOf(call)).toBe(reason);
    expect(server.seen).toHaveLength(0);
  });

  test("ends a request that waits for its answer, with the signal's reason, and sends none again", async () => {
    const server = await silent();
    const stop = new AbortController();
    const call = impatient(server.url).client.compress(PICTURE, WISH, stop.signal);
    await server.started;
    stop.abort(reason);
    expect(await errorOf(call)).toBe(reason);
    expect(server.seen).toHaveLength(1);
  });

  test("ends a request in the middle of its answer", async () => {
    const server = await silent((response) => {
      response.writeHead(200, { "Content-Type": "image/webp", "Content-Length": "1000" }).write("a part");
    });
    const stop = new AbortController();
    const call = impatient(server.url).client.compress(PICTURE, WISH, stop.signal);
    await server.started;
    stop.abort(reason);
    expect(await errorOf(call)).toBe(reason);
  });

  test("ends the post of a form", async () => {
    const storage = await silent();
    const service = await serveInTurn(sendJson(201, { upload: "u", url: storage.url, fields: {} }));
    const stop = new AbortController();
    const call = impatient(service.url).client.compress(LARGE, WISH, stop.signal);
    await storage.started;
    stop.abort(reason);
    expect(await errorOf(call)).toBe(reason);
    expect(storage.seen).toHaveLength(1);
  });

  test.each([
    ["a busy service", 429],
    ["an image in work", 409],
    ["a broken service", 500],
  ])("ends the wait for %s", async (_what, status) => {
    const stop = new AbortController();
    const { url } = await serveInTurn(sendJson(status, { error: "RequestInProgress" }, { "Retry-After": "100" }));
    const stopped: Pause = (_waitS, signal) => {
      setImmediate(() => {
        stop.abort(reason);
      });
      return pause(100, signal);
    };
    const client = new Client(url, KEY, { pause: stopped });
    expect(await errorOf(client.compress(PICTURE, WISH, stop.signal))).toBe(reason);
  });

  test("leaves nothing behind at the signal when a call ends well", async () => {
    const { url } = await serveInTurn(sendImage());
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, "addEventListener");
    const removed = vi.spyOn(signal, "removeEventListener");
    await impatient(url).client.compress(PICTURE, WISH, signal);
    expect(added.mock.calls.map(([, listener]) => listener)).toEqual(
      removed.mock.calls.map(([, listener]) => listener),
    );
  });
});

/** Lets a promise that is settled already be noticed. */
async function aTurn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe("a request that hangs", () => {
  test.each([
    ["a question", 150_000, undefined],
    ["an image of 4.5 MB, sent for 45 s more", 195_000, LARGE],
  ])("%s ends after %i ms as Unreachable, and is not sent again", async (_what, patienceMs, image) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const hanging = await silent();
    const { url } = await serveInTurn(sendJson(201, { upload: "u", url: hanging.url, fields: {} }));
    const call =
      image === undefined
        ? impatient(hanging.url).client.usage(never())
        : impatient(url).client.compress(image, WISH, never());
    let isEnded = false;
    const outcome = errorOf(call).finally(() => (isEnded = true));
    await hanging.started;
    vi.advanceTimersByTime(patienceMs - 1);
    await aTurn();
    expect(isEnded).toBe(false);
    vi.advanceTimersByTime(1);
    expect(await outcome).toBeInstanceOf(Unreachable);
    expect(hanging.seen).toHaveLength(1);
  });

  test("does not hang while parts of the answer come", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const dripping = () => Promise.resolve(new Response(readable, { headers: { "Content-Type": "image/png" } }));
    const call = impatient("https://img.example.com", dripping).client.compress(PICTURE, WISH, never());
    for (const part of ["a", "b", "c"]) {
      await writer.write(Buffer.from(part));
      await aTurn();
      vi.advanceTimersByTime(140_000);
    }
    await writer.close();
    expect(Buffer.from((await call).bytes).toString()).toBe("abc");
  });
});
