import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";

import { convertToWebp } from "../../../src/editor/convertCommand.ts";
import { Happening, memory, TextDocument, Uri } from "../../double/vscode.ts";
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

/** The page opened in the editor, with a change of its user in it. */
function dirtyPage(): TextDocument {
  const document = new TextDocument(Uri.file(html));
  document.isDirty = true;
  memory.documents.push(document);
  return document;
}

describe("convertToWebp", () => {
  it("writes the WebP beside its original, and updates what refers to it", async () => {
    await convert();
    expect([readFileSync(target), readFileSync(image), text(html)]).toEqual([WEBP, PNG, NEW_HTML]);
    expect(summaryText()).toBe("MiniPic: 1 compressed, 1.0 kB → 300 B (-70.0 %). 1 reference updated.");
  });

  it("sums up references of several files", async () => {
    put(stage.root, "a.md", "![](img/a.png) ![](./img/a.png)");
    await convert();
    expect(summaryText()).toMatch(/ 3 references updated in 2 files\.$/);
  });

  it("sums up several references of one file", async () => {
    writeFileSync(html, HTML + HTML);
    await convert();
    expect(summaryText()).toMatch(/ 2 references updated in one file\.$/);
  });

  it("leaves a file of another encoding as it is, and the original that it may refer to", async () => {
    memory.settings.set("keepOriginalOnConvert", false);
    const latin = Buffer.from(`<p>caf\xe9</p><img src="img/a.png">`, "latin1");
    const path = put(stage.root, "old.html", latin);
    await convert();
    expect([readFileSync(path), existsSync(image)]).toEqual([latin, true]);
    expect(summaryText()).toMatch(/Could not be read: 1, see the log\. The originals stay\.$/);
  });

  it("leaves an open page as it is that the editor read in a wrong encoding", async () => {
    memory.settings.set("keepOriginalOnConvert", false);
    const chinese = Buffer.concat([Buffer.from([0xd6, 0xd0, 0xce, 0xc4]), Buffer.from(`<img src="img/a.png">`)]);
    memory.documents.push(new TextDocument(Uri.file(put(stage.root, "old.html", chinese))));
    await convert();
    expect([readFileSync(join(stage.root, "old.html")), existsSync(image)]).toEqual([chinese, true]);
    expect(memory.lines).toContain("old.html: its encoding is not known, so it was left as it is");
  });

  it("keeps originals outside of the workspace, where nothing was looked at", async () => {
    memory.settings.set("keepOriginalOnConvert", false);
    const elsewhere = put(join(stage.root, "../elsewhere"), "b.png", PNG);
    await convertToWebp(stage.services, uri(elsewhere));
    expect([existsSync(elsewhere), summaryText()]).toEqual([
      true,
      expect.stringMatching(/ Outside of the workspace: 1\. These originals stay\.$/),
    ]);
  });

  it("counts each original that stays", async () => {
    memory.settings.set("keepOriginalOnConvert", false);
    const other = put(stage.root, "img2/a.png", Buffer.concat([PNG, Buffer.from("x")]));
    put(stage.root, "a.md", "https://example.com/a.png");
    await convertToWebp(stage.services, uri(image), [uri(image), uri(other)]);
    expect(summaryText()).toMatch(/ followed: 2, see the log/);
  });

  it("keeps originals that a path may mean which cannot be followed, and no others", async () => {
    memory.settings.set("keepOriginalOnConvert", false);
    const other = put(stage.root, "other.png", Buffer.concat([PNG, Buffer.from("x")]));
    put(stage.root, "base.html", `<img src="{% static 'of-an-app/a.png' %}"> https://example.com/a.png`);
    await convertToWebp(stage.services, uri(image), [uri(image), uri(other)]);
    expect([existsSync(image), existsSync(other), existsSync(target)]).toEqual([true, false, true]);
    expect(memory.lines).toContain("base.html: mentions a.png, but no file lies where it says");
    expect(summaryText()).toMatch(
      / 2 references updated in one file\. Mentioned by a path that could not be followed: 1, see the log\. These originals stay\.$/,
    );
  });

  it("says in the log alone which paths it could not follow, where originals stay anyway", async () => {
    put(stage.root, "base.html", "https://example.com/a.png");
    await convert();
    expect(memory.lines).toContain("base.html: mentions a.png, but no file lies where it says");
    expect(summaryText()).toMatch(/ 1 reference updated\.$/);
  });

  it("keeps an original that was changed after its conversion", async () => {
    memory.settings.set("keepOriginalOnConvert", false);
    stage.services.log.appendLine = (line: string) => {
      if (line.startsWith("img/a.png")) writeFileSync(image, "a newer one");
    };
    await convert();
    expect([text(image), text(html)]).toEqual(["a newer one", NEW_HTML]);
  });

  it("passes over what is WebP already", async () => {
    await convertToWebp(stage.services, uri(put(stage.root, "b.webp", WEBP)));
    expect([summaryText(), stage.server.seen]).toEqual(["MiniPic: there is no image to compress there.", []]);
  });

  it("updates nothing where no WebP came of it", async () => {
    put(stage.root, "img/a.webp", "mine");
    await convert();
    expect([text(html), summaryText()]).toEqual([HTML, "MiniPic: no image was changed, 1 skipped."]);
  });

  it("deletes originals where the settings say so", async () => {
    memory.settings.set("keepOriginalOnConvert", false);
    await convert();
    expect([readdirSync(join(stage.root, "img")), text(html)]).toEqual([["a.webp"], NEW_HTML]);
  });

  it("deletes originals to which nothing refers", async () => {
    memory.settings.set("keepOriginalOnConvert", false);
    writeFileSync(html, "");
    await convert();
    expect(existsSync(image)).toBe(false);
  });

  it("keeps originals while a file with changes of its user refers to them, and does not save it", async () => {
    memory.settings.set("keepOriginalOnConvert", false);
    const document = dirtyPage();
    await convert();
    expect([document.text, text(html), existsSync(image)]).toEqual([NEW_HTML, HTML, true]);
    expect(summaryText()).toMatch(/Not saved yet: 1\. The originals stay\.$/);
  });

  it("brings originals back where a changed file could not be saved", async () => {
    memory.settings.set("keepOriginalOnConvert", false);
    const document = new TextDocument(Uri.file(html));
    document.canBeSaved = false;
    memory.documents.push(document);
    await convert();
    expect([readFileSync(image), summaryText()]).toEqual([
      PNG,
      "MiniPic: 1 compressed, 1.0 kB → 300 B (-70.0 %). 1 reference updated. Not saved yet: 1. The originals stay.",
    ]);
  });

  it("keeps originals where the editor refuses the change of references", async () => {
    memory.settings.set("keepOriginalOnConvert", false);
    memory.isEditRefused = true;
    await convert();
    expect([existsSync(image), text(html)]).toEqual([true, HTML]);
    expect(summaryText()).toMatch(/References were not updated: The editor refused the change of references\.$/);
  });

  it("updates no references of a run that was cancelled", async () => {
    const done = convert();
    await until(() => stage.server.seen.length === 1);
    memory.cancel.fire(undefined);
    await done;
    expect([existsSync(target), text(html)]).toEqual([true, HTML]);
    expect(summaryText()).toMatch(/^MiniPic: stopped: 1 compressed.* References were not updated\.$/);
  });

  it("reads no references in folders that are left out, or on no disk", async () => {
    memory.settings.set("exclude", ["**/dist/**"]);
    const built = put(stage.root, "dist/index.html", `<img src="../img/a.png">`);
    memory.folders?.push({ uri: new Uri("vscode-vfs", "/elsewhere") });
    await convert();
    expect(text(built)).toBe(`<img src="../img/a.png">`);
  });

  it("updates the references of a run before that did not come to it, and pays nothing for it", async () => {
    const done = convert();
    await until(() => stage.server.seen.length === 1);
    memory.cancel.fire(undefined);
    await done;
    memory.cancel = new Happening();
    await convert();
    expect([text(html), stage.server.seen.length]).toEqual([NEW_HTML, 1]);
    expect(summaryText()).toBe("MiniPic: no image was changed, 1 skipped. 1 reference updated.");
  });

  it("finds the references of a page that could not be read before", async () => {
    const page = put(stage.root, "old.html", Buffer.from(`<p>caf\xe9</p><img src="img/a.png">`, "latin1"));
    await convert();
    writeFileSync(page, `<p>café</p><img src="img/a.png">`);
    await convert();
    expect(text(page)).toBe(`<p>café</p><img src="img/a.webp">`);
  });

  it("leaves alone what was written after references were up to date", async () => {
    await convert();
    const both = `<source srcset="img/a.webp"><img src="img/a.png">`;
    writeFileSync(html, both);
    await convert();
    expect([text(html), summaryText()]).toEqual([both, "MiniPic: no image was changed, 1 skipped."]);
  });

  it("does so for no image that was changed since, or whose result was", async () => {
    await convert();
    writeFileSync(html, HTML);
    writeFileSync(target, "mine");
    await convert();
    expect([text(html), text(target)]).toEqual([HTML, "mine"]);
  });

  it("does nothing without a choice", async () => {
    await convertToWebp(stage.services);
    expect([memory.messages, stage.server.seen]).toEqual([[], []]);
  });

  it("works without a workspace", async () => {
    memory.folders = undefined;
    await convert();
    expect([existsSync(target), text(html)]).toEqual([true, HTML]);
  });
});
