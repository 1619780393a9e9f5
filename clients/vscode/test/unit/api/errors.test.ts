import { describe, expect, test } from "vitest";
import { isFatal, serviceError, ServiceError, Unreachable } from "../../../src/api/errors.ts";
import { KEY } from "./server.ts";

function errorFor(status: number, body: unknown): ServiceError {
  return serviceError(status, new TextEncoder().encode(JSON.stringify(body)), KEY);
}

describe("isFatal", () => {
  test.each([
    ["a refused key", errorFor(401, { error: "Unauthorized" })],
    ["a suspended account", errorFor(403, { error: "AccountSuspended" })],
    ["a reached limit", errorFor(429, { error: "AccountLimitReached" })],
    ["an address without the API", errorFor(404, {})],
    ["no answer", new Unreachable("127.0.0.1 does not answer.")],
  ])("%s is what every further image would meet", (_what, error) => {
    expect(isFatal(error)).toBe(true);
  });

  test.each([
    ["a broken image", errorFor(422, { error: "DecodeError" })],
    ["too many requests", errorFor(429, { error: "TooManyRequests" })],
    ["a storage's 403", new ServiceError(403, "Storage", "no")],
    ["an unreadable file", new Error("EACCES")],
    ["no error", undefined],
  ])("%s is not", (_what, error) => {
    expect(isFatal(error)).toBe(false);
  });
});

describe("serviceError", () => {
  test("tells what the service told", () => {
    const told = { error: "PayloadTooLarge", message: "Too large.", request_id: "r-1", upload_url: "https://x/u" };
    const error = errorFor(413, told);
    const { status, code, message, requestId, offersUpload } = error;
    expect({ status, code, message, requestId, offersUpload }).toEqual({
      status: 413,
      code: "PayloadTooLarge",
      message: "Too large.",
      requestId: "r-1",
      offersUpload: true,
    });
  });

  test.each([
    ["https://minipic.cn/buy", "https://minipic.cn/buy"],
    ["http://minipic.cn/buy", undefined],
    ["command:workbench.action.quit", undefined],
    ["/buy", undefined],
    [7, undefined],
  ])("an upgrade_url %j is given as %j", (told, given) => {
    expect(errorFor(429, { error: "AccountLimitReached", upgrade_url: told }).upgradeUrl).toBe(given);
  });

  test.each([[null], ["text"], [{ error: 1, message: {}, request_id: 5, upload_url: 9 }], [{ error: "two words" }]])(
    "a body %j is an error by its status",
    (body) => {
      expect(errorFor(418, body)).toMatchObject({
        code: "HTTP 418",
        message: "The service answered 418.",
        requestId: undefined,
        offersUpload: false,
      });
    },
  );

  test("a body that is no JSON is an error by its status", () => {
    expect(serviceError(502, new TextEncoder().encode("<html>Bad Gateway"), KEY).message).toBe(
      "The service answered 502.",
    );
  });

  test.each([KEY, 'with"quotes\\and'])("a key %j that the answer repeats is masked", (key) => {
    const told = { error: key, message: `Bearer ${key}?`, request_id: key, upgrade_url: `https://x/?key=${key}` };
    const error = serviceError(400, new TextEncoder().encode(JSON.stringify(told)), key);
    expect([error.code, error.message, error.requestId, error.upgradeUrl, error.stack].join()).not.toContain(key);
  });

  test("a message is one line of some length, without a link that runs a command", () => {
    const { message } = errorFor(400, {
      error: "BadRequest",
      message: `a\n\u001bb [c](command:d) ${"e".repeat(9999)}`,
    });
    expect(message).toMatch(/^a b \[c\] \(command:d\) e+$/);
    expect(message.length).toBeLessThanOrEqual(501);
  });
});
