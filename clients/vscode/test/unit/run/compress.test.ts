import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { ServiceError } from "../../../src/api/errors.ts";
import { digest } from "../../../src/images/writing.ts";
import { compressAll } from "../../../src/run/compress.ts";
import { lastRun } from "../../../src/run/journal.ts";
import { newFolder, put } from "../images/folder.ts";
import { givesSmall, givesWebp, newTrial, picture, PNG, SMALL, TO_WEBP, WEBP, WISH } from "./run.ts";

const bytesOf = (path: string): Buffer => readFileSync(path);

describe("compressAll in place", () => {
  it("replaces the file by its result, and tells both sizes", async () => {
    const path = put(newFolder(), "a.png", PNG);
    const { run, told } = await newTrial(givesSmall);
    const report = await compressAll([path], WISH, run);
    const outcome = { kind: "compressed", path, target: path, before: digest(PNG), beforeBytes: 1000, afterBytes: 400 };
    expect(report).toEqual({ outcomes: [outcome], leftOver: 0, isStopped: false });
    expect(told).toEqual(report.outcomes);
    expect(bytesOf(path)).toEqual(SMALL);
  });

  it("keeps name and mode where the setting's format is the file's own", async () => {
    const path = put(newFolder(), "a.JPEG", picture("image/jpeg", 900), 0o600);
    const { run } = await newTrial(() => Promise.resolve({ bytes: picture("image/jpeg", 90), type: "image/jpeg" }));
    await compressAll([path], { ...WISH, format: "jpeg" }, run);
    expect([statSync(path).size, statSync(path).mode & 0o7777]).toEqual([90, 0o600]);
  });

  it("sends the bytes of each file once, whole", async () => {
    const folder = newFolder();
    const paths = [put(folder, "a.png", PNG), put(folder, "b.png", WEBP)];
    const { run, sent } = await newTrial(givesSmall);
    await compressAll(paths, { ...WISH, concurrency: 1 }, run);
    expect(sent).toEqual([PNG, WEBP]);
  });

  it("writes a larger result only where it may", async () => {
    const path = put(newFolder(), "a.png", SMALL);
    const { run } = await newTrial(() => Promise.resolve({ bytes: PNG, type: "image/png" }));
    await compressAll([path], { ...WISH, skipIfLarger: false }, run);
    expect(bytesOf(path)).toEqual(PNG);
  });

  it("keeps the original in the journal before the file changes", async () => {
    const path = put(newFolder(), "a.png", PNG);
    const { run, home } = await newTrial(givesSmall);
    const replacing = run.journal.replacing.bind(run.journal);
    const atThatMoment: Buffer[] = [];
    run.journal.replacing = async (...change) => {
      await replacing(...change);
      atThatMoment.push(bytesOf(path));
    };
    await compressAll([path], WISH, run);
    expect(atThatMoment).toEqual([PNG]);
    const copy = { kind: "replaced", path, copy: digest(PNG), before: digest(PNG), after: digest(SMALL) };
    await run.journal.end();
    expect((await lastRun(home))?.changes).toEqual([copy]);
  });

  it("lets an error of the journal leave the file as it is", async () => {
    const path = put(newFolder(), "a.png", PNG);
    const { run } = await newTrial(givesSmall);
    run.journal.replacing = () => Promise.reject(new Error("disk full"));
    const report = await compressAll([path], WISH, run);
    expect(report.outcomes).toMatchObject([{ kind: "failed", error: { message: "disk full" } }]);
    expect(bytesOf(path)).toEqual(PNG);
  });

  it("tells an error that is none in an error's clothes", async () => {
    const path = put(newFolder(), "a.png", PNG);
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
    const { run } = await newTrial(() => Promise.reject("odd"));
    expect((await compressAll([path], WISH, run)).outcomes).toMatchObject([{ error: { message: "odd" } }]);
  });
});

describe("compressAll to another format", () => {
  it("writes the result beside the original, with its mode", async () => {
    const folder = newFolder();
    const path = put(folder, "a.png", PNG, 0o640);
    const { run } = await newTrial(givesWebp);
    const report = await compressAll([path], TO_WEBP, run);
    const target = join(folder, "a.webp");
    expect(report.outcomes).toMatchObject([{ kind: "compressed", path, target }]);
    expect([bytesOf(path), bytesOf(target), statSync(target).mode & 0o7777]).toEqual([PNG, WEBP, 0o640]);
  });

  it("notes the new file in the journal before it is there", async () => {
    const path = put(newFolder(), "a.png", PNG);
    const { run } = await newTrial(givesWebp);
    const creating = run.journal.creating.bind(run.journal);
    const wasThere: boolean[] = [];
    run.journal.creating = (target, ...rest) => {
      wasThere.push(existsSync(target));
      creating(target, ...rest);
    };
    await compressAll([path], TO_WEBP, run);
    expect(wasThere).toEqual([false]);
  });

  it("deletes an original that is not to be kept, with a copy in the journal", async () => {
    const folder = newFolder();
    const path = put(folder, "a.png", PNG);
    const { run, home } = await newTrial(givesWebp);
    await compressAll([path], { ...TO_WEBP, keepOriginal: false }, run);
    expect(readdirSync(folder)).toEqual(["a.webp"]);
    await run.journal.end();
    const last = await lastRun(home);
    expect(bytesOf(join(last?.folder ?? "", digest(PNG)))).toEqual(PNG);
  });

  it("keeps an original that was changed meanwhile", async () => {
    const folder = newFolder();
    const path = put(folder, "a.png", PNG);
    const { run } = await newTrial((bytes, signal) => {
      writeFileSync(path, "changed");
      return givesWebp(bytes, signal);
    });
    await compressAll([path], { ...TO_WEBP, keepOriginal: false }, run);
    expect(readdirSync(folder).sort()).toEqual(["a.png", "a.webp"]);
  });

  it("writes a larger result, unless told not to", async () => {
    const folder = newFolder();
    const paths = [put(folder, "a.png", "tiny")];
    const { run } = await newTrial(givesWebp);
    const strict = await compressAll(paths, { ...TO_WEBP, skipLargerConversion: true }, run);
    expect([strict.outcomes, readdirSync(folder)]).toEqual([
      [{ kind: "skipped", path: paths[0], why: "notSmaller" }],
      ["a.png"],
    ]);
    await compressAll(paths, TO_WEBP, run);
    expect(readdirSync(folder)).toEqual(["a.png", "a.webp"]);
  });

  it("pays once for two originals with one target", async () => {
    const folder = newFolder();
    const paths = [put(folder, "a.jpg", picture("image/jpeg", 900)), put(folder, "a.png", PNG)];
    const { run, sent } = await newTrial(givesWebp);
    const { outcomes } = await compressAll(paths, TO_WEBP, run);
    expect([sent.length, outcomes.map(({ kind }) => kind).sort()]).toEqual([1, ["compressed", "skipped"]]);
  });

  it.each(["file", "link that leads nowhere"])("pays nothing where a %s has the target's name", async (what) => {
    const folder = newFolder();
    const path = put(folder, "a.png", PNG);
    if (what === "file") put(folder, "a.webp", "mine");
    else symlinkSync("nowhere", join(folder, "a.webp"));
    const { run, sent } = await newTrial(givesWebp);
    const { outcomes } = await compressAll([path], TO_WEBP, run);
    expect([sent, outcomes]).toEqual([[], [{ kind: "skipped", path, why: "targetExists" }]]);
  });

  it("leaves alone a file that came to the target's name while the service worked", async () => {
    const folder = newFolder();
    const path = put(folder, "a.png", PNG);
    const { run } = await newTrial((bytes, signal) => {
      put(folder, "a.webp", "mine");
      return givesWebp(bytes, signal);
    });
    const { outcomes } = await compressAll([path], { ...TO_WEBP, keepOriginal: false }, run);
    expect(outcomes).toMatchObject([{ why: "targetExists" }]);
    expect([readFileSync(join(folder, "a.webp"), "utf8"), bytesOf(path)]).toEqual(["mine", PNG]);
  });

  it("claims nothing any more when it is done", async () => {
    const path = put(newFolder(), "a.png", PNG);
    const { run } = await newTrial(() => Promise.reject(new Error("no")));
    await compressAll([path], TO_WEBP, run);
    expect(run.inWork).toEqual(new Set());
  });
});

describe("an answer that is not the image asked for", () => {
  it.each([
    ["an error page in an image's clothes", "keep", "image/png", Buffer.from("<html>502</html>")],
    ["a type that the extension does not write", "keep", "image/svg+xml", Buffer.from("<svg/>")],
    ["another format than was asked for", "webp", "image/png", SMALL],
    ["bytes of another type than its header says", "keep", "image/webp", SMALL],
    ["nothing", "keep", "image/png", Buffer.alloc(0)],
  ])("%s is never written", async (_what, format, type, bytes) => {
    const folder = newFolder();
    const path = put(folder, "a.png", PNG);
    const { run } = await newTrial(() => Promise.resolve({ bytes, type }));
    const { outcomes } = await compressAll([path], { ...WISH, format, keepOriginal: false, skipIfLarger: false }, run);
    expect(outcomes).toMatchObject([{ kind: "failed", error: { code: "BadAnswer" } }]);
    expect([readdirSync(folder), bytesOf(path), run.journal.isEmpty]).toEqual([["a.png"], PNG, true]);
  });

  it("does not end the run, which goes on to the next image", async () => {
    const folder = newFolder();
    const paths = [put(folder, "a.png", PNG), put(folder, "b.png", PNG)];
    const refuse = new ServiceError(422, "DecodeError", "broken");
    const { run } = await newTrial(() => Promise.reject(refuse));
    const report = await compressAll(paths, WISH, run);
    expect([report.outcomes.length, report.fatal]).toEqual([2, undefined]);
  });
});
