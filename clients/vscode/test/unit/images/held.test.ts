import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { createFile, digest, replaceFile } from "../../../src/images/writing.ts";
import { newFolder, put } from "./folder.ts";

/** How often a rename is refused as Windows does while another program has the file open, and with which code. */
const refusals = vi.hoisted(() => ({
  left: 0,
  code: "EPERM",
  seen: 0,
  isPartHeld: false,
  meanwhile: (): void => undefined,
}));
vi.mock("node:fs/promises", async (importOriginal) => {
  const real = await importOriginal<typeof import("node:fs/promises")>();
  const rename = (from: string, to: string): Promise<void> => {
    refusals.meanwhile();
    if (refusals.seen++ >= refusals.left) return real.rename(from, to);
    return Promise.reject(Object.assign(new Error("held"), { code: refusals.code }));
  };
  const rm: typeof real.rm = (path, options) =>
    refusals.isPartHeld ? Promise.reject(Object.assign(new Error("held"), { code: "EBUSY" })) : real.rm(path, options);
  return { ...real, rename, rm };
});

const OLD = Buffer.from("the old bytes");
const NEW = Buffer.from("the new");
const { platform } = process;
const runOn = (value: string): void => void Object.defineProperty(process, "platform", { value });
let path: string;

beforeEach(() => {
  Object.assign(refusals, { isPartHeld: false, left: 2, code: "EPERM", seen: 0, meanwhile: () => undefined });
  path = put(newFolder(), "a.png", OLD);
});
afterEach(() => {
  runOn(platform);
});

const text = (): string => readFileSync(path, "utf8");
const replace = (): Promise<boolean> => replaceFile(path, NEW, digest(OLD));

describe("replaceFile on Windows", () => {
  beforeEach(() => {
    runOn("win32");
  });

  it.each(["EPERM", "EACCES", "EBUSY"])("tries again while a program has the file open: %s", async (code) => {
    refusals.code = code;
    expect([await replace(), text(), refusals.seen]).toEqual([true, "the new", 3]);
  });

  it("gives up at a file that stays held, and leaves nothing beside it", async () => {
    refusals.left = Infinity;
    await expect(replace()).rejects.toMatchObject({ code: "EPERM" });
    expect([text(), readdirSync(join(path, "..")), refusals.seen]).toEqual([OLD.toString(), ["a.png"], 7]);
  });

  it("leaves a file that was changed while it was held", async () => {
    refusals.meanwhile = () => {
      writeFileSync(path, "mine");
    };
    expect([await replace(), text(), refusals.seen]).toEqual([false, "mine", 1]);
  });

  it("does not try again what cannot come about", async () => {
    refusals.code = "ENOSPC";
    await expect(replace()).rejects.toMatchObject({ code: "ENOSPC" });
    expect(refusals.seen).toBe(1);
  });
});

it("a new file is there though its part is held, which a later sweep takes", async () => {
  refusals.isPartHeld = true;
  const made = join(path, "../b.png");
  expect([await createFile(made, NEW), readFileSync(made, "utf8")]).toEqual([true, "the new"]);
  expect(readdirSync(join(path, "..")).filter((name) => name.endsWith(".minipic-part"))).toHaveLength(1);
});

it("elsewhere a refusal is final", async () => {
  runOn("linux");
  await expect(replace()).rejects.toMatchObject({ code: "EPERM" });
  expect(refusals.seen).toBe(1);
});
