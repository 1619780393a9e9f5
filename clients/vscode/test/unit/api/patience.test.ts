import { describe, expect, test } from "vitest";
import { Client } from "../../../src/api/client.ts";
import { ServiceError, Unreachable } from "../../../src/api/errors.ts";
import { pause } from "../../../src/api/pace.ts";
import {
  cut,
  errorOf,
  impatient,
  KEY,
  never,
  PICTURE,
  sendImage,
  sendJson,
  serve,
  serveInTurn,
  WISH,
  type Server,
} from "./server.ts";

/** The second that is usual is too short for two requests on a loaded machine. */
const PATIENCE = { timeout: 30_000 };
const TOO_MANY = { error: "TooManyRequests", message: "Slow down." };

function keysSent({ seen }: Server): unknown[] {
  return seen.map(({ headers }) => headers["idempotency-key"]);
}

describe("a busy service", () => {
  test.each([
    ["429 TooManyRequests", 429, "TooManyRequests"],
    ["503", 503, "ServiceUnavailable"],
    ["409 RequestInProgress", 409, "RequestInProgress"],
  ])("%s is asked again after its Retry-After", async (_what, status, error) => {
    const { url } = await serveInTurn(sendJson(status, { error }, { "Retry-After": "7" }), sendImage());
    const { client, waitsS } = impatient(url);
    await client.compress(PICTURE, WISH, never());
    expect(waitsS.map(Math.round)).toEqual([7]);
  });

  test("all tries of an image carry one Idempotency-Key", async () => {
    const busy = sendJson(429, TOO_MANY, { "Retry-After": "1" });
    const server = await serveInTurn(busy, cut, sendJson(500, {}), sendImage());
    await impatient(server.url).client.compress(PICTURE, WISH, never());
    expect(server.seen).toHaveLength(4);
    expect(new Set(keysSent(server)).size).toBe(1);
  });

  test("the same image carries the same key again, and another key with another wish", async () => {
    const server = await serveInTurn(sendImage());
    const { client } = impatient(server.url);
    await client.compress(PICTURE, WISH, never());
    await client.compress(PICTURE, WISH, never());
    await client.compress(PICTURE, { ...WISH, quality: "extreme" }, never());
    const [first, second, third] = keysSent(server);
    expect([first === second, second === third]).toEqual([true, false]);
  });

  test("it is asked 8 times", async () => {
    const server = await serveInTurn(sendJson(429, TOO_MANY, { "Retry-After": "1" }));
    const { client, waitsS } = impatient(server.url);
    const error = await errorOf(client.compress(PICTURE, WISH, never()));
    expect(error).toMatchObject({ status: 429, code: "TooManyRequests", message: "Slow down." });
    expect([server.seen.length, waitsS.length]).toEqual([8, 7]);
  });

  test("after two tries the waits grow, whatever the service says: others may hold the key's places", async () => {
    const server = await serveInTurn(sendJson(429, TOO_MANY, { "Retry-After": "1" }));
    const { client, waitsS } = impatient(server.url);
    await errorOf(client.compress(PICTURE, WISH, never()));
    expect(waitsS.map(Math.floor)).toEqual([1, 1, 8, 16, 30, 30, 30]);
  });

  test("an image waits for its turn as long as others of the client get theirs", async () => {
    const others = Array.from({ length: 20 }, (_, at) => Buffer.from(`another picture ${at}`));
    const server = await serve(({ body }, response, count) => {
      const answer = body.equals(PICTURE) && count < 40 ? sendJson(429, TOO_MANY, { "Retry-After": "1" }) : sendImage();
      answer(response);
    });
    let isAnothersTurn = false;
    const client = new Client(server.url, KEY, {
      pause: async () => {
        const next = isAnothersTurn ? undefined : others.pop();
        if (next === undefined) return;
        isAnothersTurn = true;
        await client.compress(next, WISH, never());
        isAnothersTurn = false;
      },
    });
    await client.compress(PICTURE, WISH, never());
    expect(server.seen).toHaveLength(41);
  });

  test("without a Retry-After in seconds the waits grow up to 30 s", async () => {
    const server = await serveInTurn(sendJson(503, {}, { "Retry-After": "Fri, 27 Nov 2026 10:00:00 GMT" }));
    const { client, waitsS } = impatient(server.url);
    await errorOf(client.compress(PICTURE, WISH, never()));
    expect(waitsS.map(Math.floor)).toEqual([2, 4, 8, 16, 30, 30, 30]);
  });

  test("the first request of an image is waited for longer than its place is held by a service that was killed", async () => {
    const server = await serveInTurn(sendJson(409, { error: "RequestInProgress" }, { "Retry-After": "1" }));
    const { client, waitsS } = impatient(server.url);
    expect(await errorOf(client.compress(PICTURE, WISH, never()))).toMatchObject({ code: "RequestInProgress" });
    expect(waitsS.map(Math.floor)).toEqual([2, 4, 8, 16, 30, 30, 30]);
  });

  test("the waits for a busy service and for a first request are counted apart", async () => {
    const busy = sendJson(429, TOO_MANY, { "Retry-After": "1" });
    const first = sendJson(409, { error: "RequestInProgress" }, { "Retry-After": "1" });
    const server = await serveInTurn(...Array.from({ length: 7 }, () => [busy, first]).flat(), sendImage());
    await impatient(server.url).client.compress(PICTURE, WISH, never());
    expect(server.seen).toHaveLength(15);
  });

  test("a Retry-After above 120 s is not waited for", async () => {
    const server = await serveInTurn(sendJson(503, {}, { "Retry-After": "121" }));
    const { client, waitsS } = impatient(server.url);
    expect(await errorOf(client.compress(PICTURE, WISH, never()))).toMatchObject({ status: 503 });
    expect(waitsS).toEqual([]);
  });

  test("it holds back the other images of the client", async () => {
    const server = await serveInTurn(sendJson(429, TOO_MANY, { "Retry-After": "9" }), sendImage());
    const resting: (() => void)[] = [];
    const askedS: number[] = [];
    const controlled = (waitS: number) => {
      askedS.push(waitS);
      return new Promise<void>((resolve) => resting.push(resolve));
    };
    const client = new Client(server.url, KEY, { pause: controlled });
    const first = client.compress(PICTURE, WISH, never());
    await expect.poll(() => resting.length, PATIENCE).toBe(1);
    const second = client.compress(PICTURE, WISH, never());
    await expect.poll(() => resting.length, PATIENCE).toBe(2);
    expect(server.seen).toHaveLength(1);
    expect(Math.min(...askedS)).toBeGreaterThan(8);
    resting.forEach((resume) => {
      resume();
    });
    await Promise.all([first, second]);
    expect(server.seen).toHaveLength(3);
  });

  test("a 409 holds back its own image alone", async () => {
    const server = await serveInTurn(
      sendJson(409, { error: "RequestInProgress" }, { "Retry-After": "9" }),
      sendImage(),
    );
    const resting: (() => void)[] = [];
    const controlled = () => new Promise<void>((resolve) => resting.push(resolve));
    const client = new Client(server.url, KEY, { pause: controlled });
    const first = client.compress(PICTURE, WISH, never());
    await expect.poll(() => resting.length, PATIENCE).toBe(1);
    await client.compress(PICTURE, WISH, never());
    resting[0]?.();
    await first;
    expect(resting).toHaveLength(1);
  });
});

describe("a refusal that no patience helps", () => {
  test.each([
    [400, "BadRequest"],
    [401, "Unauthorized"],
    [403, "AccountSuspended"],
    [409, "IdempotencyConflict"],
    [413, "PayloadTooLarge"],
    [415, "UnsupportedMediaType"],
    [422, "DecodeError"],
    [501, "NotImplemented"],
    [429, "AccountLimitReached"],
  ])("%i %s is told at once", async (status, code) => {
    const server = await serveInTurn(sendJson(status, { error: code, message: "No." }, { "Retry-After": "1" }));
    const { client, waitsS } = impatient(server.url);
    const error = await errorOf(client.compress(PICTURE, WISH, never()));
    expect(error).toBeInstanceOf(ServiceError);
    expect(error).toMatchObject({ status, code, message: "No." });
    expect([server.seen.length, waitsS.length]).toEqual([1, 0]);
  });

  test("a reached limit names where more images can be had", async () => {
    const told = { error: "AccountLimitReached", upgrade_url: "https://minipic.cn/buy" };
    const { url } = await serveInTurn(sendJson(429, told));
    const error = await errorOf(impatient(url).client.compress(PICTURE, WISH, never()));
    expect(error).toMatchObject({ upgradeUrl: "https://minipic.cn/buy" });
  });
});

describe("a service that breaks", () => {
  test.each([500, 502, 504])("%i is asked 3 times with growing pauses", async (status) => {
    const server = await serveInTurn(sendJson(status, { error: "InternalServerError", request_id: "r-5" }));
    const { client, waitsS } = impatient(server.url);
    const error = await errorOf(client.compress(PICTURE, WISH, never()));
    expect(error).toMatchObject({ status, requestId: "r-5" });
    expect(server.seen).toHaveLength(3);
    expect(waitsS.map((waitS) => Math.floor(waitS * 2) / 2)).toEqual([0.5, 1]);
  });

  test("a connection that is cut is tried 3 times", async () => {
    const server = await serveInTurn(cut);
    const error = await errorOf(impatient(server.url).client.compress(PICTURE, WISH, never()));
    expect(error).toBeInstanceOf(Unreachable);
    expect(server.seen).toHaveLength(3);
  });

  test("a result that is cut and then comes whole is the whole one", async () => {
    const { url } = await serveInTurn(cut, sendImage(Buffer.from("whole")));
    const { bytes } = await impatient(url).client.compress(PICTURE, WISH, never());
    expect(Buffer.from(bytes).toString()).toBe("whole");
  });

  test("nobody at the address is Unreachable with the reason's code", async () => {
    const gone = await serve(() => undefined);
    const { client, waitsS } = impatient(gone.url.replace(/\d+$/, "1"));
    expect(await errorOf(client.usage(never()))).toBeInstanceOf(Unreachable);
    expect(waitsS).toHaveLength(2);
  });

  test("a service without TLS behind an https address is Unreachable at once", async () => {
    const server = await serveInTurn(sendImage());
    const { client, waitsS } = impatient(server.url.replace("http:", "https:"));
    const error = await errorOf(client.usage(never()));
    expect(error).toBeInstanceOf(Unreachable);
    expect(error).toMatchObject({
      message: expect.stringMatching(/no secure connection to 127\.0\.0\.1:\d+ \(ERR_SSL/) as string,
    });
    expect(waitsS).toEqual([]);
  });

  test("an error that quotes a header does not show the key", async () => {
    const quoting = () => Promise.reject(new TypeError(`"Bearer ${KEY}" is an invalid header value.`));
    const error = (await errorOf(impatient("https://img.example.com", quoting).client.usage(never()))) as Error;
    expect(error.message).toBe("img.example.com does not answer.");
    expect([error.stack, error.cause].join()).not.toContain(KEY);
  });
});

describe("pause", () => {
  test("it ends by the clock", async () => {
    await expect(pause(0.001, never())).resolves.toBeUndefined();
  });

  test("it ends with the signal's reason when that aborts", async () => {
    const stop = new AbortController();
    const waiting = pause(1000, stop.signal);
    const reason = new Error("enough");
    stop.abort(reason);
    expect(await errorOf(waiting)).toBe(reason);
  });
});
