import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { Client } from "../../../src/api/client.ts";
import { BadAddress, BadKey } from "../../../src/api/address.ts";
import { errorOf, impatient, KEY, never, PICTURE, sendImage, sendJson, serve, serveInTurn, WISH } from "./server.ts";

const USAGE = {
  month: "2026-11",
  plan: "free",
  count: 12,
  free: { limit: 500, used: 12, remaining: 488, resets_at: "2026-12-01T00:00:00Z" },
  credits: { remaining: 0, packs: [] },
  by_operation: {},
  bytes_in: 0,
  bytes_out: 0,
  limits: { max_bytes: 5242880, max_pixels: 100000000, rate_per_second: 10, burst: 20, concurrency: 20 },
};

function html(status: number, text: string): Parameters<typeof serveInTurn>[0] {
  return (response) => response.writeHead(status, { "Content-Type": "text/html" }).end(text);
}

describe("compress", () => {
  test("sends the bytes as they are, with the options in the query and the key in Authorization", async () => {
    const server = await serveInTurn(sendImage());
    await impatient(`${server.url}/base/`).client.compress(PICTURE, { quality: "80", format: "we&bp" }, never());
    const [sent] = server.seen;
    expect(sent).toMatchObject({ method: "POST", target: "/base/v1/compress?quality=80&format=we%26bp" });
    expect(sent?.headers).toMatchObject({
      authorization: `Bearer ${KEY}`,
      "content-type": "application/octet-stream",
      "content-length": String(PICTURE.length),
    });
    expect(sent?.body).toEqual(PICTURE);
  });

  test("sends only its own part of a larger buffer", async () => {
    const server = await serveInTurn(sendImage());
    await impatient(server.url).client.compress(PICTURE.subarray(2, 9), WISH, never());
    expect(server.seen[0]?.body).toEqual(PICTURE.subarray(2, 9));
  });

  test("gives the result's bytes and its media type without parameters", async () => {
    const { url } = await serveInTurn(sendImage(Buffer.from("small"), { "Content-Type": "Image/AVIF; q=1" }));
    const { bytes, type } = await impatient(url).client.compress(PICTURE, WISH, never());
    expect([Buffer.from(bytes).toString(), type]).toEqual(["small", "image/avif"]);
  });

  test("takes a result whose sizes are as the headers say", async () => {
    const sizes = { "X-Input-Size": String(PICTURE.length), "X-Output-Size": "5" };
    const { url } = await serveInTurn(sendImage(Buffer.from("small"), sizes));
    expect((await impatient(url).client.compress(PICTURE, WISH, never())).bytes).toHaveLength(5);
  });

  test.each([
    ["an empty 200", sendImage(Buffer.alloc(0))],
    ["a page of a proxy", html(200, "<p>Log in.")],
    ["a 204", (response: Parameters<ReturnType<typeof sendImage>>[0]) => response.writeHead(204).end()],
    ["JSON", sendJson(200, { error: "no" })],
    ["fewer bytes than X-Output-Size says", sendImage(PICTURE, { "X-Output-Size": "1000" })],
    ["the result of another image", sendImage(PICTURE, { "X-Input-Size": "1000" })],
  ])("%s is a BadAnswer", async (_what, answer) => {
    const { url } = await serveInTurn(answer);
    const error = await errorOf(impatient(url).client.compress(PICTURE, WISH, never()));
    expect(error).toMatchObject({ name: "ServiceError", code: "BadAnswer" });
  });

  test("an error that is no JSON is told by its status", async () => {
    const { url } = await serveInTurn(html(418, "<h1>teapot"));
    const error = await errorOf(impatient(url).client.compress(PICTURE, WISH, never()));
    expect(error).toMatchObject({ status: 418, code: "HTTP 418", message: "The service answered 418." });
  });

  test("a message that repeats the key is told without it", async () => {
    const { url } = await serve(({ headers }, response) => {
      sendJson(400, { error: "BadRequest", message: `You sent ${headers.authorization ?? ""}` })(response);
    });
    const error = (await errorOf(impatient(url).client.compress(PICTURE, WISH, never()))) as Error;
    expect(error.message).toBe("You sent Bearer mp_***");
  });
});

describe("usage", () => {
  test("gives what the service tells, and asks with the key", async () => {
    const server = await serveInTurn(sendJson(200, USAGE));
    expect(await impatient(server.url).client.usage(never())).toEqual(USAGE);
    expect(server.seen[0]).toMatchObject({ method: "GET", target: "/v1/usage" });
    expect(server.seen[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
  });

  test.each([
    ["JSON of another kind", sendJson(200, { hello: "world" })],
    ["a page", html(200, "<p>Welcome")],
    ["nothing", html(200, "")],
  ])("%s is a BadAnswer", async (_what, answer) => {
    const { url } = await serveInTurn(answer);
    expect(await errorOf(impatient(url).client.usage(never()))).toMatchObject({ code: "BadAnswer" });
  });
});

describe("a client", () => {
  test("is not made for an address that is none", () => {
    expect(() => new Client("ftp://x", KEY)).toThrow(BadAddress);
  });

  test("is not made with a key that is none", () => {
    expect(() => new Client("https://img.example.com", "")).toThrow(BadKey);
  });

  test("does not show its key", () => {
    const client = new Client("https://img.example.com", KEY);
    expect(inspect(client, { showHidden: true, depth: 9 }) + JSON.stringify(client)).not.toContain(KEY);
  });
});
