import * as vscode from "vscode";
import { monthEstimate, type Usage } from "../api/usage.ts";
import { sizeText } from "../run/outcome.ts";
import { connect } from "./connection.ts";
import type { Services } from "./services.ts";
import { address } from "./settings.ts";

const { t } = vscode.l10n;
const PATIENCE_MS = 30_000;

let panel: vscode.WebviewPanel | undefined;

/** The command: show this month's numbers, as GET /v1/usage gives them now. */
export async function viewUsage(services: Services): Promise<void> {
  const client = await connect(services);
  if (client === undefined) return;
  const location = vscode.ProgressLocation.Window;
  const usage = await vscode.window.withProgress({ location, title: t("MiniPic: asking for usage…") }, () =>
    client.usage(AbortSignal.timeout(PATIENCE_MS)),
  );
  panel ??= newPanel();
  panel.webview.html = page(usage, address(), new Date());
  panel.reveal();
}

function newPanel(): vscode.WebviewPanel {
  const made = vscode.window.createWebviewPanel("minipic.usage", t("MiniPic Usage"), vscode.ViewColumn.Active, {});
  made.onDidDispose(() => {
    panel = undefined;
  });
  return made;
}

/** The panel's page: no scripts, nothing from elsewhere, the colours of the editor's theme. */
export function page(usage: Usage, service: string, now: Date): string {
  const nonce = crypto.randomUUID();
  const { free, credits } = usage;
  const rows = [
    [t("Compressed this month"), usage.count],
    [t("Free images left"), t("{0} of {1}", free.remaining, free.limit)],
    [t("Free images come again"), dateText(free.resets_at)],
    [t("Credits left"), credits.remaining],
    [t("Estimate for the whole month"), monthEstimate(usage, now)],
    [t("By operation"), operations(usage)],
    [t("Sent and received"), `${sizeText(usage.bytes_in)} → ${sizeText(usage.bytes_out)}`],
    [t("Plan"), usage.plan],
    [t("Service"), service],
  ] as const;
  const cells = rows.map(([name, value]) => `<tr><th scope="row">${escaped(name)}</th><td>${escaped(value)}</td></tr>`);
  return `<!DOCTYPE html>
<html lang="${escaped(vscode.env.language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'nonce-${nonce}'">
<title>${escaped(t("MiniPic Usage"))}</title>
<style nonce="${nonce}">
body { max-width: 36rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; font-weight: 600; }
meter { width: 100%; height: 1rem; }
table { width: 100%; margin-top: 1.5rem; border-collapse: collapse; }
th, td { padding: 0.45rem 0; border-bottom: 1px solid var(--vscode-widget-border, #8884); text-align: left; }
th { font-weight: normal; color: var(--vscode-descriptionForeground); }
td { text-align: right; font-variant-numeric: tabular-nums; }
</style>
</head>
<body>
<h1>${escaped(t("MiniPic usage in {0}", usage.month))}</h1>
<meter min="0" max="${free.limit}" value="${free.used}">${free.used}</meter>
<p>${escaped(t("{0} of {1} free images used", free.used, free.limit))}</p>
<table>${cells.join("\n")}</table>
<p>${escaped(t("Run “MiniPic: View Usage” again for new numbers."))}</p>
</body>
</html>`;
}

function operations({ by_operation: counts }: Usage): string {
  const parts = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
  return parts.length === 0 ? "–" : parts.join(", ");
}

function dateText(isoTime: string): string {
  const time = new Date(isoTime);
  if (Number.isNaN(time.getTime())) return isoTime;
  return time.toLocaleDateString(vscode.env.language, { dateStyle: "long", timeZone: "UTC" });
}

function escaped(value: string | number): string {
  return String(value).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
