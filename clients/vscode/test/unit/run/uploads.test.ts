import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { fileStore } from "../../../src/run/store.ts";
import { Uploads } from "../../../src/run/uploads.ts";
import { newFolder } from "../images/folder.ts";

const DAY_MS = 24 * 3_600_000;
const newPath = (): string => join(newFolder(), "new/uploads.txt");

describe("Uploads", () => {
  it("knows in the next session what was told in one that crashed", () => {
    const path = newPath();
    new Uploads(fileStore(path), 0).remember("image", "upload-1", 5);
    expect(new Uploads(fileStore(path), 10).of("image")).toBe("upload-1");
  });

  it("knows nothing of other images", () => {
    const uploads = new Uploads(fileStore(newPath()), 0);
    uploads.remember("image", "upload-1", 5);
    expect(uploads.of("other")).toBeUndefined();
  });

  it("forgets what is a day old when it begins", () => {
    const path = newPath();
    const uploads = new Uploads(fileStore(path), 0);
    uploads.remember("old", "upload-1", 5);
    uploads.remember("young", "upload-2", 6);
    const next = new Uploads(fileStore(path), DAY_MS + 5);
    expect([next.of("old"), next.of("young")]).toEqual([undefined, "upload-2"]);
    expect(readFileSync(path, "utf8")).toBe(`["young","upload-2",6]\n`);
  });

  it("passes over lines that are no entry", () => {
    const path = newPath();
    new Uploads(fileStore(path), 0).remember("image", "upload-1", 5);
    appendFileSync(path, `{"a":1}\n["x"]\n["x",1,2]\n["x","y","z"]\nnull\n["half","upl`);
    expect(new Uploads(fileStore(path), 10).of("image")).toBe("upload-1");
    expect(readFileSync(path, "utf8")).toBe(`["image","upload-1",5]\n`);
  });

  it("gives the last upload of each image, whatever a service calls it", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), fc.string({ unit: "binary" }))), (told) => {
        const path = newPath();
        const uploads = new Uploads(fileStore(path), 0);
        for (const [image, upload] of told) uploads.remember(image, upload, 1);
        const next = new Uploads(fileStore(path), 2);
        for (const [image, upload] of new Map(told))
          expect([uploads.of(image), next.of(image)]).toEqual([upload, upload]);
      }),
      { numRuns: 50 },
    );
  });
});
