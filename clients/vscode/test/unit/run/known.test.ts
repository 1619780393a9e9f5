import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { digest } from "../../../src/images/writing.ts";
import { Known } from "../../../src/run/known.ts";
import { fileStore } from "../../../src/run/store.ts";
import { newFolder } from "../images/folder.ts";
import { forgetful } from "./run.ts";

const MAX_ENTRIES = 100_000;
const one = digest(Buffer.from("one"));
const other = digest(Buffer.from("other"));

describe("Known", () => {
  it("knows what was settled, for its quality only", () => {
    const known = forgetful();
    known.settle(one, "smart");
    expect([known.isSettled(one, "smart"), known.isSettled(one, "high"), known.isSettled(other, "smart")]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it("knows what is its own, which is another matter than settled", () => {
    const known = forgetful();
    known.own(one);
    known.settle(other, "smart");
    expect([known.isOwn(one), known.isSettled(one, "smart"), known.isOwn(other)]).toEqual([true, false, false]);
  });

  it("knows in the next session what was told in one that crashed", () => {
    const path = join(newFolder(), "new/compressed.txt");
    const known = new Known(fileStore(path));
    known.own(one);
    known.settle(one, "smart");
    const next = new Known(fileStore(path));
    expect([next.isOwn(one), next.isSettled(one, "smart"), next.isOwn(other)]).toEqual([true, true, false]);
  });

  it("knows which result belongs to which original", () => {
    const known = forgetful();
    known.result(one, other);
    expect([known.isResult(one, other), known.isResult(other, one), known.isResult(one, one)]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it("writes nothing twice", () => {
    const path = join(newFolder(), "compressed.txt");
    const known = new Known(fileStore(path));
    known.own(one);
    known.own(one);
    new Known(fileStore(path)).own(one);
    expect(readFileSync(path, "utf8")).toBe(`${one.slice(0, 32)}\n`);
  });

  it("keeps the youngest 100 000 entries when it begins", () => {
    const path = join(newFolder(), "compressed.txt");
    writeFileSync(path, Array.from({ length: MAX_ENTRIES + 5 }, (_none, at) => `entry ${at}\n`).join(""));
    new Known(fileStore(path)).own(one);
    const lines = readFileSync(path, "utf8").trimEnd().split("\n");
    expect([lines.length, lines[0], lines.at(-1)]).toEqual([MAX_ENTRIES + 1, "entry 5", one.slice(0, 32)]);
  });

  it("holds the last things told, whatever they were", () => {
    const things = fc.array(fc.tuple(fc.string(), fc.constantFrom("smart", "high")));
    fc.assert(
      fc.property(things, (told) => {
        const known = forgetful();
        for (const [text, quality] of told) known.settle(digest(Buffer.from(text)), quality);
        expect(told.every(([text, quality]) => known.isSettled(digest(Buffer.from(text)), quality))).toBe(true);
      }),
    );
  });
});
