import { describe, expect, test } from "vitest";
import { Unreachable } from "../../../src/api/errors.ts";
import {
  cut,
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
import { serviceWith, taken, targets } from "./storage.ts";

describe("an image above one request's size", () => {
  test("goes through an upload form, whose id is compressed", async () => {
    const storage = await serve(taken);
    const service = await serviceWith(storage);
    const { bytes } = await impatient(service.url).client.compress(LARGE, WISH, never());
    expect(Buffer.from(bytes).toString()).toBe("smaller");
    expect(service.seen.map(({ body }) => JSON.parse(body.toString()) as unknown)).toEqual([
      { size: LARGE.length },
      { source: { upload: "upload-1" } },
    ]);
    expect(service.seen[1]).toMatchObject({
      target: "/v1/compress?quality=smart&format=keep",
      headers: { "content-type": "application/json", authorization: `Bearer ${KEY}` },
    });
  });

  test("of 4.5 MB still goes directly", async () => {
    const service = await serviceWith(await serve(taken));
    await impatient(service.url).client.compress(LARGE.subarray(1), WISH, never());
    expect(targets(service)).toEqual(["/v1/compress"]);
  });

  test("is posted with the form's fields first, a length, and no key", async () => {
    const storage = await serve(taken);
    const service = await serviceWith(storage);
    await impatient(service.url).client.compress(LARGE, WISH, never());
    const [posted] = storage.seen;
    expect(posted).toMatchObject({ method: "POST", target: "/bucket" });
    expect(posted?.headers).not.toHaveProperty("authorization");
    expect(posted?.headers["content-length"]).toBe(String(posted?.body.length));
    const type = posted?.headers["content-type"] ?? "";
    const form = await new Response(posted?.body as BodyInit | undefined, {
      headers: { "Content-Type": type },
    }).formData();
    expect([...form.keys()]).toEqual(["key", "policy", "file"]);
    expect(Buffer.from(await (form.get("file") as File).arrayBuffer()).equals(LARGE)).toBe(true);
    expect(posted?.body.includes(KEY)).toBe(false);
  });

  test("is posted again when the storage breaks", async () => {
    const storage = await serve((seen, response, count) => {
      if (count === 1) cut(response);
      else if (count === 2) sendJson(503, {})(response);
      else taken(seen, response, count);
    });
    const service = await serviceWith(storage);
    await impatient(service.url).client.compress(LARGE, WISH, never());
    expect(storage.seen).toHaveLength(3);
    expect(targets(service)).toEqual(["/v1/uploads", "/v1/compress"]);
  });

  test.each([429, 503])("waits as long as the storage asks for (%i)", async (status) => {
    const storage = await serve((seen, response, count) => {
      if (count <= 5) sendJson(status, {}, { "Retry-After": "7" })(response);
      else taken(seen, response, count);
    });
    const { client, waitsS } = impatient((await serviceWith(storage)).url);
    await client.compress(LARGE, WISH, never());
    expect(storage.seen).toHaveLength(6);
    expect(new Set(waitsS.map(Math.round))).toEqual(new Set([7]));
  });

  test("is an error when the storage stays busy", async () => {
    const storage = await serveInTurn(sendJson(503, {}, { "Retry-After": "7" }));
    const service = await serviceWith(storage);
    const error = await errorOf(impatient(service.url).client.compress(LARGE, WISH, never()));
    expect(error).toMatchObject({ status: 503, code: "Storage" });
    expect(storage.seen).toHaveLength(10);
  });

  test("is an error when the storage stays broken", async () => {
    const storage = await serveInTurn(sendJson(500, {}));
    const service = await serviceWith(storage);
    const error = await errorOf(impatient(service.url).client.compress(LARGE, WISH, never()));
    expect(error).toMatchObject({ status: 500, code: "Storage" });
    expect([storage.seen.length, service.seen.length]).toEqual([3, 1]);
  });

  test.each([403, 404])("gets a new form once when its form is out of date (%i)", async (status) => {
    const storage = await serve((seen, response, count) => {
      if (count === 1) sendJson(status, {})(response);
      else taken(seen, response, count);
    });
    const service = await serviceWith(storage);
    await impatient(service.url).client.compress(LARGE, WISH, never());
    expect(targets(service)).toEqual(["/v1/uploads", "/v1/uploads", "/v1/compress"]);
    expect(service.seen[2]?.body.toString()).toContain("upload-2");
  });

  test("is an error when the second form is refused too", async () => {
    const storage = await serveInTurn(sendJson(403, {}));
    const service = await serviceWith(storage);
    const error = await errorOf(impatient(service.url).client.compress(LARGE, WISH, never()));
    expect(error).toMatchObject({ status: 403, code: "Storage" });
    expect(storage.seen).toHaveLength(2);
  });

  test.each([307, 400])("is an error when the storage answers %i", async (status) => {
    const other = await serve(taken);
    const storage = await serve((_seen, response) => response.writeHead(status, { Location: other.url }).end());
    const service = await serviceWith(storage);
    const error = await errorOf(impatient(service.url).client.compress(LARGE, WISH, never()));
    expect(error).toMatchObject({ status, code: "Storage" });
    expect([storage.seen.length, other.seen.length]).toEqual([1, 0]);
  });

  test("is not posted when the service refuses the form", async () => {
    const storage = await serve(taken);
    const service = await serveInTurn(sendJson(413, { error: "PayloadTooLarge", upload_url: "https://x/v1/uploads" }));
    const error = await errorOf(impatient(service.url).client.compress(LARGE, WISH, never()));
    expect(error).toMatchObject({ status: 413 });
    expect([service.seen.length, storage.seen.length]).toEqual([1, 0]);
  });

  test.each([
    ["null", null],
    ["no fields", { upload: "u", url: "https://x" }],
    ["a field that is no text", { upload: "u", url: "https://x", fields: { key: 1 } }],
    ["no id", { url: "https://x", fields: {} }],
    ["no address", { upload: "u", fields: {} }],
    ["an address of another scheme", { upload: "u", url: "ftp://x", fields: {} }],
    ["an address that is none", { upload: "u", url: "x", fields: {} }],
  ])("is an error when the form has %s", async (_what, form) => {
    const { url } = await serveInTurn(sendJson(201, form));
    const error = await errorOf(impatient(url).client.compress(LARGE, WISH, never()));
    expect(error).toMatchObject({ code: "BadAnswer" });
  });

  test("is never posted to an insecure address by a secure service", async () => {
    const storage = await serve(taken);
    const form = { upload: "u", url: storage.url, fields: {} };
    const secure = () => Promise.resolve(Response.json(form, { status: 201 }));
    const error = await errorOf(impatient("https://img.example.com", secure).client.compress(LARGE, WISH, never()));
    expect(error).toMatchObject({ code: "BadAnswer" });
    expect(storage.seen).toHaveLength(0);
  });

  test("is Unreachable when the storage does not answer", async () => {
    const storage = await serveInTurn(cut);
    const service = await serviceWith(storage);
    const error = await errorOf(impatient(service.url).client.compress(LARGE, WISH, never()));
    expect(error).toBeInstanceOf(Unreachable);
  });
});

describe("an image that the route cannot carry", () => {
  const tooLarge = { error: "PayloadTooLarge", message: "Too large.", upload_url: "https://x/v1/uploads" };

  test("goes through an upload form, with another Idempotency-Key", async () => {
    const service = await serviceWith(await serve(taken), (_seen, response, count) => {
      (count === 1 ? sendJson(413, tooLarge) : sendImage())(response);
    });
    await impatient(service.url).client.compress(PICTURE, WISH, never());
    expect(targets(service)).toEqual(["/v1/compress", "/v1/uploads", "/v1/compress"]);
    const [direct, , uploaded] = service.seen.map(({ headers }) => headers["idempotency-key"]);
    expect(direct).not.toBe(uploaded);
  });

  test("is an error when it is refused behind the form again", async () => {
    const service = await serviceWith(await serve(taken), (_seen, response) => {
      sendJson(413, tooLarge)(response);
    });
    const error = await errorOf(impatient(service.url).client.compress(PICTURE, WISH, never()));
    expect(error).toMatchObject({ status: 413 });
    expect(service.seen).toHaveLength(3);
  });
});
