import assert from "node:assert/strict";
import * as vscode from "vscode";

interface Manifest {
  capabilities: {
    virtualWorkspaces: { supported: string };
    untrustedWorkspaces: { supported: string; restrictedConfigurations: string[] };
  };
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

  it("takes the service's address from no workspace that is not trusted, and stays to say why on no disk", () => {
    const { untrustedWorkspaces, virtualWorkspaces } = (extension().packageJSON as Manifest).capabilities;
    const { supported, restrictedConfigurations } = untrustedWorkspaces;
    assert.deepEqual([supported, restrictedConfigurations], ["limited", ["minipic.baseUrl"]]);
    assert.equal(virtualWorkspaces.supported, "limited");
  });
});
