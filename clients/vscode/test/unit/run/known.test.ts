import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { digest } from "../../../src/images/writing.ts";
import { Known } from "../../../src/run/known.ts";

const MAX_ENTRIES = 4000;
const one = digest(Buffer.from("one"));
const other = digest(Buffer.from("other"));

function newKnown(stored: readonly string[] = []): { known: Known; saved: () => readonly string[] } {
  let kept = stored;
  const set = (entries: readonly string[]): Promise<void> => {
    kept = entries;
    return Promise.resolve();
  };
  return { known: new Known({ get: () => kept, set }), saved: () => kept };
}

describe("Known", () => {
  it("knows what was settled, for its quality only", () => {
    const { known } = newKnown();
    known.settle(one, "smart");
    expect([known.isSettled(one, "smart"), known.isSettled(one, "high"), known.isSettled(other, "smart")]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it("knows what is its own, which is another matter than settled", () => {
    const { known } = newKnown();
    known.own(one);
    known.settle(other, "smart");
    expect([known.isOwn(one), known.isSettled(one, "smart"), known.isOwn(other)]).toEqual([true, false, false]);
  });

  it("knows in the next session what was saved", async () => {
    const { known, saved } = newKnown();
    known.own(one);
    known.settle(one, "smart");
    await known.save();
    const next = newKnown(saved()).known;
    expect([next.isOwn(one), next.isSettled(one, "smart")]).toEqual([true, true]);
  });

  it("forgets the oldest first, and what came again is young", () => {
    const { known } = newKnown();
    known.own(one);
    known.own(other);
    known.own(one);
    for (let count = 0; count < MAX_ENTRIES - 1; count += 1) known.own(digest(Buffer.from(String(count))));
    expect([known.isOwn(one), known.isOwn(other)]).toEqual([true, false]);
  });

  it("saves at most 4000 entries, even where more were stored", async () => {
    const { known, saved } = newKnown(Array.from({ length: 9000 }, (_none, at) => `entry ${at}`));
    known.own(one);
    await known.save();
    expect([saved().length, saved().at(-1)]).toEqual([MAX_ENTRIES, one.slice(0, 32)]);
  });

  it("holds the last things told, whatever they were", () => {
    const things = fc.array(fc.tuple(fc.string(), fc.constantFrom("smart", "high")));
    fc.assert(
      fc.property(things, (told) => {
        const { known } = newKnown();
        for (const [text, quality] of told) known.settle(digest(Buffer.from(text)), quality);
        expect(told.every(([text, quality]) => known.isSettled(digest(Buffer.from(text)), quality))).toBe(true);
      }),
    );
  });
});
