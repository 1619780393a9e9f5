import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as vscode from "vscode";

const SAMPLE = join(__dirname, "../../../../docs/images/sample.jpg");

function workspace(): string {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  assert.ok(folder);
  return folder;
}

describe("Convert to WebP and Update References", () => {
  let site: string;

  beforeEach(() => {
    site = join(workspace(), "site");
    mkdirSync(join(site, "img"), { recursive: true });
    copyFileSync(SAMPLE, join(site, "img/hero.jpg"));
  });

  afterEach(() => {
    rmSync(site, { recursive: true });
  });

  const convert = (): Thenable<unknown> =>
    vscode.commands.executeCommand("minipic.convertToWebp", vscode.Uri.file(join(site, "img/hero.jpg")));

  it("keeps the bytes of a file in an encoding that it cannot know", async () => {
    const latin = Buffer.from('<p>caf\xe9</p><img src="img/hero.jpg">\n', "latin1");
    writeFileSync(join(site, "old.html"), latin);
    await convert();
    assert.ok(existsSync(join(site, "img/hero.webp")));
    assert.deepEqual(readFileSync(join(site, "old.html")), latin);
  });

  it("keeps line endings and everything else of a file but the path's ending", async () => {
    const html = '<!-- caf\u00e9 -->\r\n<img src="/img/hero.jpg">\t \r\n';
    writeFileSync(join(site, "index.html"), html);
    await convert();
    assert.equal(readFileSync(join(site, "index.html"), "utf8"), html.replace("hero.jpg", "hero.webp"));
  });

  it("keeps the mark at the beginning of a UTF-8 file", async () => {
    const html = '\ufeff<img src="img/hero.jpg">\n';
    writeFileSync(join(site, "marked.html"), html);
    await convert();
    assert.equal(readFileSync(join(site, "marked.html"), "utf8"), html.replace("hero.jpg", "hero.webp"));
  });
});
