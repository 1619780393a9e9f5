import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { inLanes } from "../../../src/run/lanes.ts";

const never = new AbortController().signal;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("inLanes", () => {
  it("works on each item once, in order of beginning, at most so many at once", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(5)), fc.integer({ min: 1, max: 6 }), async (turns, concurrency) => {
        const begun: number[] = [];
        let inWork = 0;
        let most = 0;
        await inLanes([...turns.entries()], concurrency, never, async ([at, count]) => {
          begun.push(at);
          most = Math.max(most, (inWork += 1));
          for (let passed = 0; passed < count; passed += 1) await turn();
          inWork -= 1;
        });
        expect(begun).toEqual([...turns.keys()]);
        expect(most).toBeLessThanOrEqual(concurrency);
      }),
      { numRuns: 50 },
    );
  });

  it("begins as many at once as it may", async () => {
    let [inWork, most] = [0, 0];
    await inLanes([1, 2, 3, 4], 3, never, async () => {
      most = Math.max(most, (inWork += 1));
      await turn();
      inWork -= 1;
    });
    expect(most).toBe(3);
  });

  it("begins nothing when the signal is aborted already", async () => {
    const begun: number[] = [];
    await inLanes([1, 2], 1, AbortSignal.abort(), (item) => Promise.resolve(void begun.push(item)));
    expect(begun).toEqual([]);
  });

  it("lets those in work end when the signal aborts, and begins no more", async () => {
    const stop = new AbortController();
    const ended: number[] = [];
    await inLanes([1, 2, 3, 4], 2, stop.signal, async (item) => {
      stop.abort();
      await turn();
      ended.push(item);
    });
    expect(ended).toEqual([1]);
  });

  it("throws what the work throws, after those in work have ended", async () => {
    const ended: number[] = [];
    const work = async (item: number): Promise<void> => {
      if (item === 1) throw new Error("one");
      await turn();
      ended.push(item);
    };
    await expect(inLanes([0, 1, 2, 3], 2, never, work)).rejects.toThrow("one");
    expect(ended).toEqual([0]);
  });
});
