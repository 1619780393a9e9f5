import { readFileSync, rmSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { BAD_ANSWER, ServiceError, Unreachable } from "../../../src/api/errors.ts";
import { compressAll } from "../../../src/run/compress.ts";
import type { Run } from "../../../src/run/compress.ts";
import { impatient, sendJson, serve } from "../api/server.ts";
import { newFolder, put } from "../images/folder.ts";
import { type Answer, givesSmall, newTrial, PNG, SMALL, WISH } from "./run.ts";

const ONE_BY_ONE = { ...WISH, concurrency: 1 };
const WRONG_KEY = new ServiceError(401, "Unauthorized", "wrong key");

function pngs(count: number): string[] {
  const folder = newFolder();
  return Array.from({ length: count }, (_none, at) => put(folder, `${at}.png`, PNG));
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("a run that is stopped", () => {
  it("ends those in work, and begins no more", async () => {
    const paths = pngs(4);
    const trial = await newTrial(async (bytes, signal) => {
      trial.stop.abort();
      await turn();
      return givesSmall(bytes, signal);
    });
    const report = await compressAll(paths, ONE_BY_ONE, trial.run);
    expect(report).toMatchObject({ outcomes: [{ kind: "compressed" }], leftOver: 3, isStopped: true });
    expect(paths.map((path) => readFileSync(path).length)).toEqual([400, 1000, 1000, 1000]);
  });

  it("begins nothing when it was stopped before", async () => {
    const trial = await newTrial(givesSmall);
    trial.stop.abort();
    const report = await compressAll(pngs(2), WISH, trial.run);
    expect([report, trial.sent]).toEqual([{ outcomes: [], leftOver: 2, isStopped: true }, []]);
  });
});

describe("a run that is ended", () => {
  it("tells of those in work, which the service may have counted, and has the others left over", async () => {
    const trial = await newTrial((_bytes, signal) => {
      trial.end.abort();
      return Promise.reject(signal.reason as Error);
    });
    const [path = "", ...others] = pngs(3);
    const report = await compressAll([path, ...others], ONE_BY_ONE, trial.run);
    const outcomes = [{ kind: "skipped", path, why: "ended" }];
    expect(report).toEqual({ outcomes, leftOver: 2, isStopped: true });
  });

  it("writes no result that comes afterwards", async () => {
    const [path = ""] = pngs(1);
    const trial = await newTrial((bytes, signal) => {
      trial.end.abort();
      return givesSmall(bytes, signal);
    });
    const report = await compressAll([path], WISH, trial.run);
    expect(report.outcomes).toMatchObject([{ kind: "skipped", why: "ended" }]);
    expect([readFileSync(path), trial.run.journal.isEmpty]).toEqual([PNG, true]);
  });

  it("hands its signal to what waits for the service", async () => {
    const seen: AbortSignal[] = [];
    const trial = await newTrial((bytes, signal) => {
      seen.push(signal);
      return givesSmall(bytes, signal);
    });
    await compressAll(pngs(1), WISH, trial.run);
    expect(seen).toEqual([trial.run.signal]);
  });
});

describe("an error that every image would meet", () => {
  it.each([
    ["a wrong key", WRONG_KEY],
    ["a suspended account", new ServiceError(403, "AccountSuspended", "suspended")],
    ["a reached limit", new ServiceError(429, "AccountLimitReached", "limit")],
    ["a service that is not there", new Unreachable("nobody")],
  ])("%s ends the run, and is told", async (_what, error) => {
    const trial = await newTrial(() => Promise.reject(error));
    const report = await compressAll(pngs(5), ONE_BY_ONE, trial.run);
    expect(report).toMatchObject({ fatal: error, leftOver: 4, isStopped: false, outcomes: [{ kind: "failed" }] });
    expect(trial.sent).toHaveLength(1);
  });

  it("lets those in work end, and write what is paid for", async () => {
    const paths = pngs(5);
    let count = 0;
    const trial = await newTrial(async (bytes, signal) => {
      count += 1;
      if (count === 1) throw WRONG_KEY;
      for (let passed = 0; passed < 20; passed += 1) await turn();
      return givesSmall(bytes, signal);
    });
    const report = await compressAll(paths, WISH, trial.run);
    expect(report.outcomes.map(({ kind }) => kind)).toEqual(["failed", "compressed"]);
    expect([report.leftOver, readFileSync(report.outcomes[1]?.path ?? "")]).toEqual([3, SMALL]);
  });

  it("is the first of several", async () => {
    const limit = new ServiceError(429, "AccountLimitReached", "limit");
    const errors = [WRONG_KEY, limit];
    const trial = await newTrial(() => Promise.reject(errors.shift() ?? limit));
    expect((await compressAll(pngs(2), WISH, trial.run)).fatal).toBe(WRONG_KEY);
  });

  it.each([
    new ServiceError(415, "UnsupportedMediaType", "no image"),
    new ServiceError(500, "InternalServerError", "oh"),
    new ServiceError(403, "Storage", "form"),
    new Error("disk"),
  ])("is not %s", async (error) => {
    const trial = await newTrial(() => Promise.reject(error));
    const report = await compressAll(pngs(3), ONE_BY_ONE, trial.run);
    expect([report.fatal, report.outcomes.length]).toEqual([undefined, 3]);
  });
});

describe("a service that is not there", () => {
  const GONE = [
    new ServiceError(429, "TooManyRequests", "slow down"),
    new ServiceError(502, "HTTP 502", "bad gateway"),
    new ServiceError(503, "HTTP 503", "maintenance"),
    new ServiceError(504, "HTTP 504", "too late"),
    new ServiceError(200, BAD_ANSWER, "a page of the hotel"),
  ];

  it.each(GONE)("ends the run when three images in a row meet %s", async (error) => {
    const trial = await newTrial(() => Promise.reject(error));
    const report = await compressAll(pngs(5), ONE_BY_ONE, trial.run);
    expect([report.fatal, report.outcomes.length, report.leftOver]).toEqual([error, 3, 2]);
  });

  it.each(GONE)("does not where an image between is compressed: %s", async (error) => {
    let count = 0;
    const trial = await newTrial((bytes, signal) => {
      count += 1;
      return count % 3 === 0 ? givesSmall(bytes, signal) : Promise.reject(error);
    });
    const report = await compressAll(pngs(6), ONE_BY_ONE, trial.run);
    expect([report.fatal, report.outcomes.length]).toEqual([undefined, 6]);
  });
});

it.each([
  ["no smaller", (): ReturnType<Answer> => Promise.resolve({ bytes: PNG, type: "image/png" })],
  ["no image", (): ReturnType<Answer> => Promise.reject(new ServiceError(415, "UnsupportedMediaType", "no image"))],
])("a service that answers between is there: %s", async (_what, answer) => {
  let count = 0;
  const trial = await newTrial(() => {
    count += 1;
    return count % 3 === 0 ? answer() : Promise.reject(new ServiceError(502, "HTTP 502", "bad gateway"));
  });
  const folder = newFolder();
  const paths = Array.from({ length: 9 }, (_none, at) => put(folder, `${at}.png`, `${PNG.toString("latin1")}${at}`));
  expect((await compressAll(paths, ONE_BY_ONE, trial.run)).outcomes).toHaveLength(9);
});

it("a run whose journal is gone pays for no more images, and replaces none", async () => {
  const paths = pngs(3);
  const trial = await newTrial(givesSmall);
  rmSync(trial.run.journal.folder, { recursive: true });
  const report = await compressAll(paths, ONE_BY_ONE, trial.run);
  expect([report.fatal?.name, trial.sent.length, paths.map((path) => readFileSync(path).length)]).toEqual([
    "Unjournalled",
    1,
    [1000, 1000, 1000],
  ]);
});

describe("a run against a server", () => {
  it("writes what the server made of each image", async () => {
    const paths = pngs(3);
    const server = await serve((seen, response) => {
      response.writeHead(200, { "Content-Type": "image/png", "X-Input-Size": String(seen.body.length) }).end(SMALL);
    });
    const trial = await newTrial(givesSmall);
    const run: Run = { ...trial.run, client: impatient(server.url).client };
    const { outcomes } = await compressAll(paths, WISH, run);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["compressed", "compressed", "compressed"]);
    expect(server.seen.map(({ target }) => target)[0]).toBe("/v1/compress?quality=smart&format=keep");
  });

  it("ends at the first refusal of a key", async () => {
    const server = await serve((_seen, response) => {
      sendJson(401, { error: "Unauthorized", message: "No." })(response);
    });
    const trial = await newTrial(givesSmall);
    const run: Run = { ...trial.run, client: impatient(server.url).client };
    const report = await compressAll(pngs(4), ONE_BY_ONE, run);
    expect([report.leftOver, server.seen.length, report.fatal?.message]).toEqual([3, 1, "No."]);
  });
});

describe("a report, whatever happens,", () => {
  it("has each image in an outcome or left over, and tells each outcome once", async () => {
    const event = fc.constantFrom("good", "bad", "fatal", "stop", "end");
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { maxLength: 8 }),
        fc.integer({ min: 1, max: 3 }),
        async (events, concurrency) => {
          const folder = newFolder();
          const paths = events.map((_event, at) => put(folder, `${at}.png`, PNG));
          let at = 0;
          const trial = await newTrial((bytes, signal) => {
            const happens = events[at++];
            if (happens === "bad") return Promise.reject(new Error("bad"));
            if (happens === "fatal") return Promise.reject(WRONG_KEY);
            if (happens === "stop") trial.stop.abort();
            if (happens === "end") trial.end.abort();
            return givesSmall(bytes, signal);
          });
          const { outcomes, leftOver } = await compressAll(paths, { ...WISH, concurrency }, trial.run);
          expect(outcomes.length + leftOver).toBe(paths.length);
          expect(trial.told).toEqual(outcomes);
          expect(trial.run.inWork.size).toBe(0);
          const shrunk = paths.filter((path) => readFileSync(path).equals(SMALL)).length;
          expect(outcomes.filter(({ kind }) => kind === "compressed").length).toBe(shrunk);
        },
      ),
      { numRuns: 40 },
    );
  });
});
