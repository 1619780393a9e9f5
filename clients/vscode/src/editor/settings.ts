import * as vscode from "vscode";
import { checkedAddress } from "../api/address.ts";
import type { Wish } from "../run/compress.ts";

const MIB = 1024 * 1024;
const QUALITIES = ["smart", "high", "extreme", "lossless"];
const FORMATS = ["keep", "png", "jpeg", "webp", "gif", "avif", "tiff"];

/** The service's address. Throws BadAddress. In a workspace that is not trusted the editor gives the user's own. */
export function address(): string {
  return checkedAddress(value("baseUrl", "https://api.minipic.cn"));
}

/** What the user's settings wish for; a value that the settings do not allow counts as the default. */
export function settingsWish(): Omit<Wish, "skipLargerConversion" | "isAuto"> {
  return {
    quality: oneOf(QUALITIES, value("quality", "smart"), "smart"),
    format: oneOf(FORMATS, value("format", "keep"), "keep"),
    skipIfLarger: value("skipIfLarger", true),
    keepOriginal: value("keepOriginalOnConvert", true),
    maxSizeBytes: positive("maxFileSizeMB", 80) * MIB,
    concurrency: Math.min(Math.ceil(positive("concurrency", 4)), 16),
  };
}

/** The patterns of files that are left out. */
export function excludePatterns(): string[] {
  return value<unknown[]>("exclude", []).filter((pattern) => typeof pattern === "string");
}

/** A setting, if it has the type of its default: nothing keeps people from writing anything into settings.json. */
function value<Value>(name: string, fallback: Value): Value {
  const found = vscode.workspace.getConfiguration("minipic").get<unknown>(name, fallback);
  const isSameType = typeof found === typeof fallback && Array.isArray(found) === Array.isArray(fallback);
  return isSameType ? (found as Value) : fallback;
}

function oneOf(allowed: readonly string[], given: string, fallback: string): string {
  return allowed.includes(given) ? given : fallback;
}

function positive(name: string, fallback: number): number {
  const given = value(name, fallback);
  return given > 0 ? given : fallback;
}
