import { describe, expect, test } from "vitest";
import { Client } from "../../../src/api/client.ts";
import { Uploads } from "../../../src/run/uploads.ts";
import { nowhere } from "../run/run.ts";
import { errorOf, type Handler, KEY, LARGE, never, sendImage, sendJson, serve, type Server, WISH } from "./server.ts";
import { serviceWith, taken, targets } from "./storage.ts";

/** A client that remembers uploads, and what it remembers. */
function remembering(service: Server): { client: Client; uploads: Uploads } {
  const uploads = new Uploads(nowhere(), 0);
  return { client: new Client(service.url, KEY, { uploads }), uploads };
}

const keysOf = ({ seen }: Server): unknown[] =>
  seen.filter(({ target }) => target.startsWith("/v1/compress")).map(({ headers }) => headers["idempotency-key"]);

describe("an image that is sent again", () => {
  test("is the same request for the same upload, whatever became of the first answer", async () => {
    const service = await serviceWith(await serve(taken), (_seen, response, count) => {
      if (count === 2) sendJson(422, { error: "DecodeError" })(response);
      else sendImage()(response);
    });
    const { client } = remembering(service);
    await errorOf(client.compress(LARGE, WISH, never()));
    await client.compress(LARGE, WISH, never());
    expect(targets(service)).toEqual(["/v1/uploads", "/v1/compress", "/v1/compress"]);
    expect(new Set(keysOf(service)).size).toBe(1);
  });

  test("is one with an equal image that is uploaded at the same time", async () => {
    const service = await serviceWith(await serve(taken));
    const { client } = remembering(service);
    await Promise.all([client.compress(LARGE, WISH, never()), client.compress(LARGE, WISH, never())]);
    expect(targets(service)).toEqual(["/v1/uploads", "/v1/compress", "/v1/compress"]);
    expect(new Set(keysOf(service)).size).toBe(1);
  });

  test("is the same request for a client that was given no memory", async () => {
    const service = await serviceWith(await serve(taken));
    const client = new Client(service.url, KEY);
    await client.compress(LARGE, WISH, never());
    await client.compress(LARGE, WISH, never());
    expect(new Set(keysOf(service)).size).toBe(1);
  });

  test("is uploaded again where the upload is not there any more", async () => {
    const storage = await serve(taken);
    const service = await serviceWith(storage, (_seen, response, count) => {
      if (count === 3) sendJson(400, { error: "SourceNotFound" })(response);
      else sendImage()(response);
    });
    const { client } = remembering(service);
    await client.compress(LARGE, WISH, never());
    await client.compress(LARGE, { ...WISH, quality: "extreme" }, never());
    expect([storage.seen.length, targets(service).filter((target) => target === "/v1/uploads").length]).toEqual([2, 2]);
  });

  test("is uploaded again once where two find that", async () => {
    const service = await serviceWith(await serve(taken), ({ body }, response) => {
      if (body.includes("forgotten")) sendJson(400, { error: "SourceNotFound" })(response);
      else sendImage()(response);
    });
    const told = new Map<string, string>();
    const uploads = {
      of: (name: string) => told.get(name) ?? "forgotten",
      remember: (a: string, b: string) => told.set(a, b),
    };
    const client = new Client(service.url, KEY, { uploads });
    await Promise.all([client.compress(LARGE, WISH, never()), client.compress(LARGE, WISH, never())]);
    expect(targets(service).filter((target) => target === "/v1/uploads")).toHaveLength(1);
  });

  test("meets other refusals of its upload as they are", async () => {
    const service = await serviceWith(await serve(taken), sendRefusal);
    const { client } = remembering(service);
    const codes = [
      await errorOf(client.compress(LARGE, WISH, never())),
      await errorOf(client.compress(LARGE, WISH, never())),
    ];
    expect(codes).toMatchObject([{ code: "DecodeError" }, { code: "DecodeError" }]);
    expect(targets(service)).toEqual(["/v1/uploads", "/v1/compress", "/v1/compress"]);
  });

  test("is another upload at another service", async () => {
    const storage = await serve(taken);
    const [one, other] = [await serviceWith(storage), await serviceWith(storage)];
    const { client, uploads } = remembering(one);
    await client.compress(LARGE, WISH, never());
    await new Client(other.url, KEY, { uploads }).compress(LARGE, WISH, never());
    expect([targets(one), targets(other)]).toEqual([
      ["/v1/uploads", "/v1/compress"],
      ["/v1/uploads", "/v1/compress"],
    ]);
  });
});

const sendRefusal: Handler = (_seen, response) => {
  sendJson(422, { error: "DecodeError" })(response);
};
