/** Small servers on the loopback that answer as a test says, and clients that do not wait. */

import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { Client } from "../../../src/api/client.ts";
import type { Fetch } from "../../../src/api/exchange.ts";

export const KEY = "mp_live_0123456789abcdefghijklmnopqrstuv";
export const WISH = { quality: "smart", format: "keep" };
export const PICTURE = Buffer.from("a picture, as far as the client knows");
export const LARGE = Buffer.alloc(4_500_001, 7);

export interface Seen {
  method: string;
  /** Path and query. */
  target: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface Server {
  url: string;
  /** The requests in the order of their ends. */
  seen: Seen[];
}

/** What answers one request; `count` is 1 for a server's first. */
export type Handler = (seen: Seen, response: ServerResponse, count: number) => void;

/** Starts a server that ends with the test. */
export async function serve(handler: Handler): Promise<Server> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const { method = "", url: target = "", headers } = request;
      const one = { method, target, headers, body: Buffer.concat(parts) };
      seen.push(one);
      handler(one, response, seen.length);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

/** Starts a server that gives these answers in turn, and then the last one for ever. */
export async function serveInTurn(...answers: ((response: ServerResponse) => void)[]): Promise<Server> {
  return serve((_seen, response, count) => answers[Math.min(count, answers.length) - 1]?.(response));
}

export function sendJson(status: number, body: unknown, headers: Record<string, string> = {}) {
  return (response: ServerResponse): void => {
    response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(JSON.stringify(body));
  };
}

export function sendImage(bytes: Uint8Array = Buffer.from("smaller"), headers: Record<string, string> = {}) {
  return (response: ServerResponse): void => {
    response.writeHead(200, { "Content-Type": "image/webp", ...headers }).end(bytes);
  };
}

export function sendRedirect(status: number, location: string) {
  return (response: ServerResponse): void => {
    response.writeHead(status, { Location: location }).end();
  };
}

/** Ends the connection in the middle of an answer. */
export function cut(response: ServerResponse): void {
  response.writeHead(200, { "Content-Type": "image/webp", "Content-Length": "1000" });
  response.write("a part", () => response.destroy());
}

/** A client whose waits take no time, and the waits that it made, in seconds. */
export function impatient(url: string, fetch?: Fetch): { client: Client; waitsS: number[] } {
  const waitsS: number[] = [];
  const pause = (waitS: number): Promise<void> => {
    waitsS.push(waitS);
    return Promise.resolve();
  };
  return { client: new Client(url, KEY, fetch === undefined ? { pause } : { pause, fetch }), waitsS };
}

/** A signal that nobody aborts. */
export function never(): AbortSignal {
  return new AbortController().signal;
}

/** The error that a promise ends with; fails if it does not. */
export async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("It succeeded.");
}
