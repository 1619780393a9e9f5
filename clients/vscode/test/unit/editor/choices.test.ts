import { beforeEach, describe, expect, it } from "vitest";
import type * as vscode from "vscode";

import { choicesFor, rootOf } from "../../../src/editor/choices.ts";
import { forget, memory, TabInputCustom, TabInputText, Uri } from "../../double/vscode.ts";
import { uri } from "./stage.ts";

const virtual = new Uri("vscode-vfs", "/w/a.png") as unknown as vscode.Uri;

beforeEach(() => {
  forget();
  memory.folders = [{ uri: Uri.file("/w") }];
});

describe("choicesFor", () => {
  it("is all that is selected, which has what was clicked in it", async () => {
    const choices = await choicesFor(uri("/w/a.png"), [uri("/w/a.png"), uri("/w/img")]);
    expect(choices).toEqual([
      { path: "/w/a.png", root: "/w" },
      { path: "/w/img", root: "/w" },
    ]);
  });

  it("is what was clicked where nothing is selected", async () => {
    expect(await choicesFor(uri("/w/a.png"), [])).toEqual([{ path: "/w/a.png", root: "/w" }]);
  });

  it.each([TabInputCustom, TabInputText])("is the image in front where nothing was clicked: %o", async (Input) => {
    memory.activeInput = new Input(Uri.file("/w/a.png"));
    expect(await choicesFor()).toEqual([{ path: "/w/a.png", root: "/w" }]);
  });

  it.each([undefined, new TabInputText(Uri.file("/w/a.md")), {}])(
    "is what a dialog gives, with %o in front",
    async (input) => {
      memory.activeInput = input;
      memory.pickedItem = 0;
      memory.picked = [Uri.file("/elsewhere/b.png")];
      expect(await choicesFor()).toEqual([{ path: "/elsewhere/b.png", root: "/elsewhere" }]);
    },
  );

  it.each([
    [0, { canSelectFiles: true, canSelectFolders: false }],
    [1, { canSelectFiles: false, canSelectFolders: true }],
  ])("asks for images or for folders, as some systems have no dialog for both: %i", async (item, options) => {
    memory.pickedItem = item;
    await choicesFor();
    expect(memory.dialogs).toMatchObject([options]);
  });

  it.each([undefined, 0, 1])("is nothing when a question is closed, and nothing is said: %s", async (item) => {
    memory.pickedItem = item;
    expect([await choicesFor(), memory.messages]).toEqual([undefined, []]);
  });

  it("is nothing where something lies on no disk, and it is said why", async () => {
    expect(await choicesFor(uri("/w/a.png"), [uri("/w/a.png"), virtual])).toBeUndefined();
    expect(memory.messages).toMatchObject([
      { kind: "information", text: expect.stringContaining("on a disk") as string },
    ]);
  });
});

describe("rootOf", () => {
  it("is the workspace folder, else the file's own", () => {
    expect([rootOf(uri("/w/x/a.png")), rootOf(uri("/y/z/a.png"))]).toEqual(["/w", "/y/z"]);
  });
});
