/** The client against the real service. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Client, DIRECT_LIMIT_BYTES } from "../../../src/api/client.ts";
import { isFatal } from "../../../src/api/errors.ts";
import { type Service, startService } from "../../service.ts";
import { fileStore } from "../../../src/run/store.ts";
import { Uploads } from "../../../src/run/uploads.ts";
import { newFolder } from "../images/folder.ts";
import { errorOf, never, WISH } from "./server.ts";

const START_WITHIN_MS = 90_000;
const JPEG = new URL("../../../../../docs/images/sample.jpg", import.meta.url);

let service: Service;
let client: Client;

beforeAll(async () => {
  service = await startService();
  client = new Client(service.url, service.key);
}, START_WITHIN_MS);

afterAll(async () => {
  await service.stop();
});

/** A BMP of 24 bits a pixel, of soft colours, 1250 pixels wide and high: 4.7 MB. */
function largeBmp(): Buffer {
  const [side, headBytes] = [1250, 54];
  const rowBytes = Math.ceil((side * 3) / 4) * 4;
  const bmp = Buffer.alloc(headBytes + rowBytes * side);
  bmp.write("BM");
  for (const [offset, value] of [
    [2, bmp.length],
    [10, headBytes],
    [14, 40],
    [18, side],
    [22, side],
  ] as const) {
    bmp.writeUInt32LE(value, offset);
  }
  bmp.writeUInt16LE(1, 26);
  bmp.writeUInt16LE(24, 28);
  for (let at = headBytes; at < bmp.length; at += 1) {
    const [row, place] = [Math.floor((at - headBytes) / rowBytes), (at - headBytes) % rowBytes];
    bmp[at] = (row + place) >> 5;
  }
  return bmp;
}

describe("the real service", () => {
  test("refuses a key that it does not know", async () => {
    const error = await errorOf(new Client(service.url, "mp_live_nobodys").usage(never()));
    expect(error).toMatchObject({ status: 401, code: "Unauthorized", requestId: expect.any(String) as string });
    expect(isFatal(error)).toBe(true);
  });

  test("makes a JPEG to a smaller WebP, which counts as one image", async () => {
    const before = await client.usage(never());
    const jpeg = await readFile(JPEG);
    const { bytes, type } = await client.compress(jpeg, { quality: "smart", format: "webp" }, never());
    expect(type).toBe("image/webp");
    expect(Buffer.from(bytes).toString("latin1", 8, 12)).toBe("WEBP");
    expect(bytes.length).toBeLessThan(jpeg.length);
    expect((await client.usage(never())).count).toBe(before.count + 1);
  });

  test("takes an image above one request's size through an upload", async () => {
    const bmp = largeBmp();
    expect(bmp.length).toBeGreaterThan(DIRECT_LIMIT_BYTES);
    const { bytes, type } = await client.compress(bmp, WISH, never());
    expect(type).toBe("image/png");
    expect(bytes.length).toBeLessThan(bmp.length);
  });

  test("counts an image that is sent again once, though it comes through an upload", async () => {
    const uploads = new Uploads(fileStore(join(newFolder(), "uploads.txt")), 0);
    const remembering = new Client(service.url, service.key, { uploads });
    const before = await client.usage(never());
    const [first, second] = [
      await remembering.compress(largeBmp(), WISH, never()),
      await remembering.compress(largeBmp(), WISH, never()),
    ];
    expect(second.bytes).toEqual(first.bytes);
    expect((await client.usage(never())).count).toBe(before.count + 1);
  });

  test("refuses an image above the plan's size", async () => {
    const error = await errorOf(client.compress(Buffer.alloc(6_000_000), WISH, never()));
    expect(error).toMatchObject({ status: 413, code: "PayloadTooLarge" });
  });

  test("refuses what is no image, and that ends no run", async () => {
    const error = await errorOf(client.compress(Buffer.from("no image"), WISH, never()));
    expect(error).toMatchObject({ status: 415 });
    expect(isFatal(error)).toBe(false);
  });

  test("is no service at another path", async () => {
    const error = await errorOf(new Client(`${service.url}/elsewhere`, service.key).usage(never()));
    expect(error).toMatchObject({ status: 404 });
  });
});
