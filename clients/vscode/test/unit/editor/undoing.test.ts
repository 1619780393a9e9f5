import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";

import { convertToWebp } from "../../../src/editor/convertCommand.ts";
import { undoLast } from "../../../src/editor/undoCommand.ts";
import { Happening, memory } from "../../double/vscode.ts";
import { put } from "../images/folder.ts";
import { PNG, WEBP } from "../run/run.ts";
import { type Stage, until, uri } from "./stage.ts";
import { HTML, NEW_HTML, newWebsite, summaryText, text } from "./website.ts";

let stage: Stage;
let image: string;
let target: string;
let html: string;

beforeEach(async () => {
  ({ stage, image, target, html } = await newWebsite());
});

const convert = (): Promise<void> => convertToWebp(stage.services, uri(image));

describe("undoLast after a conversion", () => {
  it("takes results and references back", async () => {
    await convert();
    await undoLast(stage.services);
    expect([existsSync(target), readFileSync(image), text(html)]).toEqual([false, PNG, HTML]);
  });

  it("brings deleted originals back", async () => {
    memory.settings.set("keepOriginalOnConvert", false);
    await convert();
    await undoLast(stage.services);
    expect([existsSync(target), readFileSync(image), text(html)]).toEqual([false, PNG, HTML]);
    expect(summaryText()).toBe("MiniPic: 2 changes undone.");
  });

  it("keeps a result whose original is gone: it would be the last of the image", async () => {
    await convert();
    rmSync(image);
    await undoLast(stage.services);
    expect([readFileSync(target), text(html)]).toEqual([WEBP, NEW_HTML]);
    expect(memory.lines.at(-1)).toBe("img/a.webp: left, as its original is gone");
    expect(summaryText()).toBe("MiniPic: 0 changes undone, 1 left, see the log.");
  });

  it.each([
    ["in an encoding that is not known", Buffer.from(`<p>caf\xe9</p><img src="img/a.webp">`, "latin1")],
    ["by a path that cannot be followed", Buffer.from(`{% static 'of-an-app/a.webp' %}`)],
  ])("keeps a result that is named %s", async (_what, page) => {
    await convert();
    put(stage.root, "old.html", page);
    await undoLast(stage.services);
    expect([readFileSync(target), text(html)]).toEqual([WEBP, HTML]);
    expect(memory.lines.at(-1)).toBe("img/a.webp: left, as something may still name it");
  });

  it("tells an error where the summary's button began it", async () => {
    memory.choice = "Undo";
    stage.services.log.appendLine = (line: string) => {
      if (line.startsWith("MiniPic: 1 compressed")) memory.isEditRefused = true;
    };
    await convert();
    await until(() => memory.messages.length === 2);
    expect(memory.messages[1]).toMatchObject({
      kind: "error",
      text: "MiniPic: The editor refused the change of references.",
    });
  });

  it("keeps a result that an unsaved page on the disk names, until that is saved and undone again", async () => {
    await convert();
    const [document] = memory.documents;
    Object.assign(document ?? {}, { isDirty: true });
    await undoLast(stage.services);
    expect([document?.text, readFileSync(target)]).toEqual([HTML, WEBP]);
    expect(summaryText()).toBe("MiniPic: 0 changes undone, 1 left, see the log, not saved yet: 1.");
    await document?.save();
    await undoLast(stage.services);
    expect([existsSync(target), text(html), summaryText()]).toEqual([false, HTML, "MiniPic: 1 change undone."]);
  });

  it("takes back references that a later run brought up to date, and then the run before", async () => {
    const done = convert();
    await until(() => stage.server.seen.length === 1);
    memory.cancel.fire(undefined);
    await done;
    memory.cancel = new Happening();
    await convert();
    await undoLast(stage.services);
    expect([text(html), existsSync(target), summaryText()]).toEqual([HTML, true, "MiniPic: 1 change undone."]);
    await undoLast(stage.services);
    expect([text(html), existsSync(target)]).toEqual([HTML, false]);
  });

  it("keeps a result that was changed since, and what refers to it", async () => {
    await convert();
    writeFileSync(target, "mine");
    await undoLast(stage.services);
    expect([text(target), text(html)]).toEqual(["mine", NEW_HTML]);
  });
});
