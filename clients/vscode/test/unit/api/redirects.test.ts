import { describe, expect, test } from "vitest";
import { isFatal, Unreachable } from "../../../src/api/errors.ts";
import {
  cut,
  errorOf,
  impatient,
  KEY,
  never,
  PICTURE,
  sendImage,
  sendJson,
  sendRedirect,
  serve,
  serveInTurn,
  WISH,
} from "./server.ts";

/** A fetch in which an https address answers with this, and all others are asked in truth. */
function secureAnswer(host: string, response: () => Response) {
  return (url: string, init: RequestInit): Promise<Response> =>
    new URL(url).host === host ? Promise.resolve(response()) : fetch(url, init);
}

describe("a stored result", () => {
  test.each([302, 303])("is fetched from where a %i says", async (status) => {
    const storage = await serveInTurn(sendImage(Buffer.from("stored")));
    const { url } = await serveInTurn(sendRedirect(status, `${storage.url}/result?signature=s`));
    const { bytes, type } = await impatient(url).client.compress(PICTURE, WISH, never());
    expect([Buffer.from(bytes).toString(), type]).toEqual(["stored", "image/webp"]);
    expect(storage.seen[0]).toMatchObject({ method: "GET", target: "/result?signature=s" });
  });

  test("is asked for without the key, and without the image", async () => {
    const storage = await serveInTurn(sendImage());
    const { url } = await serveInTurn(sendRedirect(303, storage.url));
    await impatient(url).client.compress(PICTURE, WISH, never());
    const [asked] = storage.seen;
    expect(JSON.stringify([asked?.target, asked?.headers])).not.toContain(KEY);
    expect(asked?.headers).not.toHaveProperty("authorization");
    expect(asked?.headers).not.toHaveProperty("idempotency-key");
    expect(asked?.body).toHaveLength(0);
  });

  test("at the service itself is asked for without the key too", async () => {
    const server = await serveInTurn(sendRedirect(303, "/stored/1"), sendImage());
    await impatient(server.url).client.compress(PICTURE, WISH, never());
    expect(server.seen[1]).toMatchObject({ target: "/stored/1" });
    expect(server.seen[1]?.headers).not.toHaveProperty("authorization");
  });

  test("may be three hops away", async () => {
    const hop = sendRedirect(302, "/next");
    const server = await serveInTurn(hop, hop, hop, sendImage());
    await impatient(server.url).client.compress(PICTURE, WISH, never());
    expect(server.seen).toHaveLength(4);
  });

  test("is not looked for behind a fourth hop", async () => {
    const server = await serveInTurn(sendRedirect(302, "/next"));
    const error = await errorOf(impatient(server.url).client.compress(PICTURE, WISH, never()));
    expect(error).toBeInstanceOf(Unreachable);
    expect(server.seen).toHaveLength(4);
  });

  test("is asked for again when its storage breaks", async () => {
    const storage = await serveInTurn(sendJson(503, {}), cut, sendImage());
    const server = await serveInTurn(sendRedirect(303, storage.url));
    await impatient(server.url).client.compress(PICTURE, WISH, never());
    expect([server.seen.length, storage.seen.length]).toEqual([1, 3]);
  });

  test.each([403, 404, 500])("that its storage refuses with %i is an error of that image alone", async (status) => {
    const storage = await serveInTurn(sendJson(status, { error: "Unauthorized" }));
    const { url } = await serveInTurn(sendRedirect(303, storage.url));
    const error = await errorOf(impatient(url).client.compress(PICTURE, WISH, never()));
    expect(error).toMatchObject({ status, code: "Storage" });
    expect(isFatal(error)).toBe(false);
  });

  test("whose storage is gone is Unreachable", async () => {
    const storage = await serveInTurn(cut);
    const { url } = await serveInTurn(sendRedirect(303, storage.url));
    expect(await errorOf(impatient(url).client.compress(PICTURE, WISH, never()))).toBeInstanceOf(Unreachable);
    expect(storage.seen).toHaveLength(3);
  });

  test("must be at a secure address when the service's is", async () => {
    const other = await serveInTurn(sendImage());
    const answer = () => new Response(null, { status: 303, headers: { Location: other.url } });
    const { client } = impatient("https://img.example.com", secureAnswer("img.example.com", answer));
    expect(await errorOf(client.compress(PICTURE, WISH, never()))).toBeInstanceOf(Unreachable);
    expect(other.seen).toHaveLength(0);
  });

  test("of an http service may be at an https address", async () => {
    const stored = () => new Response("stored", { headers: { "Content-Type": "image/png" } });
    const { url } = await serveInTurn(sendRedirect(303, "https://bucket.example.com/x"));
    const { client } = impatient(url, secureAnswer("bucket.example.com", stored));
    expect(await client.compress(PICTURE, WISH, never())).toMatchObject({ type: "image/png" });
  });
});

describe("any other redirect", () => {
  test.each([301, 307, 308, 300])("%i of an image is not followed, and names the setting", async (status) => {
    const other = await serveInTurn(sendImage());
    const { url } = await serveInTurn(sendRedirect(status, `${other.url}/secret-path`));
    const error = await errorOf(impatient(url).client.compress(PICTURE, WISH, never()));
    expect(error).toMatchObject({ message: expect.stringContaining("Set minipic.baseUrl") as string });
    expect((error as Error).message).toContain(new URL(other.url).host);
    expect((error as Error).message).not.toContain("secret-path");
    expect(isFatal(error)).toBe(true);
    expect(other.seen).toHaveLength(0);
  });

  test.each([301, 302, 303, 307, 308])("%i of the usage is not followed", async (status) => {
    const other = await serveInTurn(sendJson(200, {}));
    const { url } = await serveInTurn(sendRedirect(status, other.url));
    expect(await errorOf(impatient(url).client.usage(never()))).toBeInstanceOf(Unreachable);
    expect(other.seen).toHaveLength(0);
  });

  test.each(["ftp://127.0.0.1/x", "file:///etc/passwd", "http://me:pass@127.0.0.1:9/x", "http://["])(
    "to %j is an error",
    async (location) => {
      const server = await serveInTurn(sendRedirect(303, location), sendImage());
      const error = await errorOf(impatient(server.url).client.compress(PICTURE, WISH, never()));
      expect(error).toBeInstanceOf(Unreachable);
      expect(server.seen).toHaveLength(1);
    },
  );

  test("without a Location is an error", async () => {
    const server = await serve((_seen, response) => response.writeHead(303).end());
    const error = await errorOf(impatient(server.url).client.compress(PICTURE, WISH, never()));
    expect(error).toBeInstanceOf(Unreachable);
    expect(server.seen).toHaveLength(1);
  });
});
