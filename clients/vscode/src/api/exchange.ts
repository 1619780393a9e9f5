/** One request and its whole answer: ends at once when asked to, and by itself when nothing comes. */

import { Unreachable } from "./errors.ts";
import { sentence, WordedError } from "./words.ts";

const SILENCE_S = 150;
/** A request with an image has this much more time for each byte: sending is not seen from here. */
const SLOWEST_BYTES_PER_S = 100_000;
const TLS_CODE = /CERT|TLS|SSL|UNABLE_TO_/;

/** What global fetch does, as far as it is used here. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** A request as it goes out. */
export interface Outgoing {
  method: "GET" | "POST";
  url: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array | FormData;
  /** Of the body, as far as it may take long to send. */
  sizeBytes?: number;
}

/** What came back. */
export interface Answer {
  status: number;
  headers: Headers;
  body: Uint8Array;
}

/** No answer; another try may help. The text names the reason, never the request. */
export class Broken extends WordedError {
  override readonly name = "Broken";
}

/**
 * Sends a request and gives its answer when all of it is there; redirects are answers. Throws the signal's reason when
 * it aborts, Broken for a connection that failed, and Unreachable where another try is no use: after 150 s in which
 * nothing came, and where TLS finds no connection that can be trusted.
 */
export async function exchange(fetch: Fetch, request: Outgoing, signal: AbortSignal): Promise<Answer> {
  signal.throwIfAborted();
  const { method, url, headers = {}, body, sizeBytes = 0 } = request;
  // One controller a request: AbortSignal.any would keep every request of a run alive in the run's signal.
  const ending = new AbortController();
  const end = () => {
    ending.abort();
  };
  signal.addEventListener("abort", end, { once: true });
  const patience = setTimeout(end, (SILENCE_S + sizeBytes / SLOWEST_BYTES_PER_S) * 1000);
  try {
    const response = await fetch(url, {
      method,
      headers,
      redirect: "manual",
      signal: ending.signal,
      ...(body === undefined ? {} : { body: body as BodyInit }),
    });
    const bytes = await wholeBody(response, () => patience.refresh());
    return { status: response.status, headers: response.headers, body: bytes };
  } catch (error) {
    signal.throwIfAborted();
    if (ending.signal.aborted)
      throw new Unreachable(sentence("{0} does not answer (nothing came for too long).", hostOf(url)));
    throw failure(url, error);
  } finally {
    clearTimeout(patience);
    signal.removeEventListener("abort", end);
  }
}

/** Gives the host and port of an address: all of it that may stand in a message. */
export function hostOf(url: string): string {
  return new URL(url).host;
}

async function wholeBody(response: Response, onPart: () => void): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const reader = response.body?.getReader();
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    parts.push(part.value);
    onPart();
  }
  return Buffer.concat(parts);
}

/** By the code alone: the text of an error may quote headers, and with them the key. */
function failure(url: string, error: unknown): Error {
  const code = codeOf(error) ?? codeOf((error as Error).cause) ?? "";
  if (TLS_CODE.test(code))
    return new Unreachable(sentence("There is no secure connection to {0} ({1}).", hostOf(url), code));
  if (code === "") return new Broken(sentence("{0} does not answer.", hostOf(url)));
  return new Broken(sentence("{0} does not answer ({1}).", hostOf(url), code));
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" && /^[A-Z0-9_]{1,64}$/.test(code) ? code : undefined;
}
