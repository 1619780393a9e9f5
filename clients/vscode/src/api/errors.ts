/**
 * What can go wrong between the editor and the service.
 *
 * Error
 * ├── ServiceError   the service, or the storage it named, said no, or gave an answer that is none: status, code
 * ├── Unreachable    no answer at all, or a redirect that must not be followed
 * └── BadAddress, BadKey (address.ts)   a setting that cannot be one
 */

import { type Sentence, sentence, WordedError } from "./words.ts";

const LIMIT_REACHED = "AccountLimitReached";
const MAX_TEXT_CHARACTERS = 500;
const MASK = "mp_***";

export const SOURCE_NOT_FOUND = "SourceNotFound";

/** Codes of a ServiceError that this client gives, beside the service's own. */
export const BAD_ANSWER = "BadAnswer";
export const STORAGE = "Storage";
export const IN_PROGRESS = "RequestInProgress";

/** What an error of the service may tell besides its code. */
export interface ErrorDetails {
  upgradeUrl?: string | undefined;
  requestId?: string | undefined;
  offersUpload?: boolean;
}

/** The service refused; `code` is stable, the message is one line for people. */
export class ServiceError extends WordedError {
  override readonly name = "ServiceError";
  readonly status: number;
  readonly code: string;
  /** Where more images can be had; https only. */
  readonly upgradeUrl: string | undefined;
  readonly requestId: string | undefined;
  /** Whether the image may still come through /v1/uploads. */
  readonly offersUpload: boolean;

  constructor(status: number, code: string, message: string | Sentence, details: ErrorDetails = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.upgradeUrl = details.upgradeUrl;
    this.requestId = details.requestId;
    this.offersUpload = details.offersUpload ?? false;
  }
}

/** The service gave no answer, or sends requests to where they must not go. */
export class Unreachable extends WordedError {
  override readonly name = "Unreachable";
}

/** Whether every further image would meet the same error, so that a run had better end. */
export function isFatal(error: unknown): boolean {
  if (error instanceof Unreachable) return true;
  if (!(error instanceof ServiceError)) return false;
  // A storage's 403 says nothing of the key, and its 404 nothing of the address.
  return isLimitReached(error) || (error.code !== STORAGE && [401, 403, 404, 405].includes(error.status));
}

/** Whether the service cannot be had now, and may be later; of an image that its gateway fails on it is the same. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof Unreachable) return true;
  if (!(error instanceof ServiceError) || isLimitReached(error)) return false;
  return [429, 502, 503, 504].includes(error.status);
}

/** Whether nothing is left of the month's images and of all credits: no patience helps. */
export function isLimitReached(error: ServiceError): boolean {
  return error.code === LIMIT_REACHED;
}

/** Gives the error that an answer stands for, whatever its body is; `key` is masked where the answer repeats it. */
export function serviceError(status: number, body: Uint8Array, key: string): ServiceError {
  const told = toldBy(new TextDecoder().decode(body));
  const textOf = (name: string) => {
    const value = told[name];
    return typeof value === "string" ? value.replaceAll(key, MASK) : "";
  };
  const code = /^\w{1,64}$/.test(textOf("error")) ? textOf("error") : `HTTP ${status}`;
  const message = oneLine(textOf("message")) || sentence("The service answered {0}.", status);
  return new ServiceError(status, code, message, {
    upgradeUrl: httpsOnly(textOf("upgrade_url")),
    requestId: oneLine(textOf("request_id")) || undefined,
    offersUpload: textOf("upload_url") !== "",
  });
}

function toldBy(text: string): Record<string, unknown> {
  try {
    const told: unknown = JSON.parse(text);
    return typeof told === "object" && told !== null ? (told as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** The text as it may stand in a line of a log, or in a notification, where [text](command:…) would be a link. */
function oneLine(text: string): string {
  return text
    .slice(0, MAX_TEXT_CHARACTERS)
    .replace(/[\s\p{Cc}]+/gu, " ")
    .replaceAll("](", "] (")
    .trim();
}

function httpsOnly(text: string): string | undefined {
  return URL.canParse(text) && new URL(text).protocol === "https:" ? text : undefined;
}
