/** Images for tests: a photograph, and PNGs that are made here, which always leave something to gain. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { crc32, deflateSync } from "node:zlib";

/** A photograph: a JPEG of half a megabyte. */
export const PHOTO = readFileSync(fileURLToPath(new URL("../../../../docs/images/sample.jpg", import.meta.url)));

/** Gives the photograph with a comment of its own, so that no two numbers give the same bytes. */
export function photo(number: number): Buffer {
  const comment = Buffer.from([0xff, 0xfe, 0, 6, 0, 0, 0, 0]);
  comment.writeUInt32BE(number, 4);
  return Buffer.concat([PHOTO.subarray(0, 2), comment, PHOTO.subarray(2)]);
}

/** Gives a PNG of soft colours, stored without compression; no two numbers below 256 give the same bytes. */
export function drawing(number: number, sidePixels = 120): Buffer {
  const rows = Buffer.alloc((1 + 3 * sidePixels) * sidePixels);
  for (let y = 0; y < sidePixels; y += 1) {
    for (let x = 0; x < sidePixels; x += 1) {
      rows.set([x, y, number], y * (1 + 3 * sidePixels) + 1 + 3 * x);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(sidePixels, 0);
  header.writeUInt32BE(sidePixels, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
  const data = deflateSync(rows, { level: 0 });
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))]);
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [size, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  size.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([size, named, sum]);
}
