import assert from "node:assert/strict";
import * as vscode from "vscode";

interface Manifest {
  contributes: { commands: { command: string; title: string }[] };
}

function extension(): vscode.Extension<unknown> {
  const found = vscode.extensions.getExtension("minipic.minipic-vscode");
  assert.ok(found);
  return found;
}

describe("the installed extension", () => {
  it("runs after the editor has started, without being asked", async () => {
    const deadlineMs = Date.now() + 30_000;
    while (!extension().isActive && Date.now() < deadlineMs) await new Promise((done) => setTimeout(done, 100));
    assert.ok(extension().isActive);
  });

  it("registers every command that its manifest names", async () => {
    const registered = new Set(await vscode.commands.getCommands(true));
    const { commands } = (extension().packageJSON as Manifest).contributes;
    const missing = commands.filter(({ command }) => !registered.has(command));
    assert.deepEqual(missing, []);
  });

  it("says MiniPic in the title of every command, for menus show nothing else", () => {
    const { commands } = (extension().packageJSON as Manifest).contributes;
    assert.ok(commands.length > 0);
    for (const { title } of commands) assert.match(title, /^MiniPic: /);
  });
});
