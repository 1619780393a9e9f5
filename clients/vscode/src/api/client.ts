/** The part of the service's native API that the editor needs. */

import { createHash } from "node:crypto";

import { BAD_ANSWER, ServiceError, SOURCE_NOT_FOUND } from "./errors.ts";
import type { Answer, Fetch } from "./exchange.ts";
import { pause, type Pause } from "./pace.ts";
import { storageError, Transport, type Call } from "./transport.ts";
import { parseUsage, type Usage } from "./usage.ts";
import { type Sentence, sentence } from "./words.ts";

export type { Fetch } from "./exchange.ts";
export type { Pause } from "./pace.ts";

/** A request carries at most this much image where the service runs behind API Gateway. */
export const DIRECT_LIMIT_BYTES = 4_500_000;
const JSON_BODY = { "Content-Type": "application/json" };
const IMAGE_BODY = { "Content-Type": "application/octet-stream" };
const FORM_TAKEN = new Set([200, 201, 204]);
/** Of a form that is out of date: 403 by S3, 404 by a service on one machine. */
const FORM_EXPIRED = new Set([403, 404]);
const FORMS = 2;

/** A compressed image. */
export interface Compressed {
  bytes: Uint8Array;
  /** Media type, such as image/webp. */
  type: string;
}

/** Which upload holds which image, by a digest of it; a request that names the same upload is the same request. */
export interface UploadMemory {
  of(image: string): string | undefined;
  remember(image: string, upload: string, nowMs: number): void;
}

/** How an image is to be compressed: values of the service's options of these names. */
export interface Wish {
  quality: string;
  format: string;
}

interface UploadForm {
  upload: string;
  url: string;
  fields: Record<string, string>;
}

/**
 * A client that all lanes of a run share: when the service asks one to wait, all wait. Methods throw ServiceError,
 * Unreachable, or the signal's reason as soon as it aborts.
 */
export class Client {
  readonly #transport: Transport;
  readonly #uploads: UploadMemory;
  /** Of contents whose upload goes on: two equal images are one. */
  readonly #uploading = new Map<string, Promise<string>>();

  /** BadAddress, BadKey. */
  constructor(
    address: string,
    key: string,
    options: { fetch?: Fetch; pause?: Pause; uploads?: UploadMemory | undefined } = {},
  ) {
    this.#transport = new Transport(address, key, options.fetch ?? globalThis.fetch, options.pause ?? pause);
    this.#uploads = options.uploads ?? inMemory();
  }

  /** Gives what was used this month and what is left; costs nothing. */
  async usage(signal: AbortSignal): Promise<Usage> {
    return parseUsage(json(await this.#transport.ask({ method: "GET", path: "/v1/usage" }, signal)));
  }

  /** Gives the image compressed; costs one image. A large one goes through an upload form by itself. */
  async compress(bytes: Uint8Array, wish: Wish, signal: AbortSignal): Promise<Compressed> {
    if (bytes.byteLength > DIRECT_LIMIT_BYTES) return this.#compressUploaded(bytes, wish, signal);
    try {
      return await this.#compressed(bytes, { body: bytes, headers: IMAGE_BODY }, wish, signal);
    } catch (error) {
      if (error instanceof ServiceError && error.status === 413 && error.offersUpload) {
        return await this.#compressUploaded(bytes, wish, signal);
      }
      throw error;
    }
  }

  async #compressUploaded(bytes: Uint8Array, wish: Wish, signal: AbortSignal): Promise<Compressed> {
    const name = digestOf(this.#transport.address, bytes);
    const earlier = this.#uploads.of(name);
    if (earlier !== undefined) {
      try {
        return await this.#compressedUpload(bytes, earlier, wish, signal);
      } catch (error) {
        // Uploads are kept for an hour, answers to requests for a day.
        if (!(error instanceof ServiceError) || error.code !== SOURCE_NOT_FOUND) throw error;
      }
    }
    return this.#compressedUpload(bytes, await this.#uploadOnce(name, bytes, earlier, signal), wish, signal);
  }

  /** Gives the upload of an image, one for all who send it; not the one that is gone. */
  async #uploadOnce(name: string, bytes: Uint8Array, gone: string | undefined, signal: AbortSignal): Promise<string> {
    const known = this.#uploads.of(name);
    if (known !== undefined && known !== gone) return known;
    let uploading = this.#uploading.get(name);
    if (uploading === undefined) {
      uploading = this.#upload(bytes, signal);
      this.#uploading.set(name, uploading);
      try {
        this.#uploads.remember(name, await uploading, Date.now());
      } finally {
        this.#uploading.delete(name);
      }
    }
    return uploading;
  }

  #compressedUpload(image: Uint8Array, upload: string, wish: Wish, signal: AbortSignal): Promise<Compressed> {
    const body = JSON.stringify({ source: { upload } });
    return this.#compressed(image, { body, headers: JSON_BODY }, wish, signal);
  }

  async #compressed(
    image: Uint8Array,
    { body, headers }: { body: Uint8Array | string; headers: Record<string, string> },
    { quality, format }: Wish,
    signal: AbortSignal,
  ): Promise<Compressed> {
    const call: Call = {
      method: "POST",
      path: `/v1/compress?${new URLSearchParams({ quality, format }).toString()}`,
      // Made of what is sent: the same image with the same wish is counted once a day, whatever became of an answer.
      headers: { ...headers, "Idempotency-Key": digestOf(quality, format, body) },
      body,
      sizeBytes: body.length,
    };
    return compressed(await this.#transport.askForResult(call, signal), image.byteLength);
  }

  /** Puts the image into the service's storage; gives the upload's id. */
  async #upload(bytes: Uint8Array, signal: AbortSignal): Promise<string> {
    const call: Call = {
      method: "POST",
      path: "/v1/uploads",
      headers: JSON_BODY,
      body: JSON.stringify({ size: bytes.byteLength }),
    };
    for (let forms = 1; ; forms += 1) {
      const { upload, url, fields } = parseUploadForm(json(await this.#transport.ask(call, signal)));
      const body = new FormData();
      for (const [name, value] of Object.entries(fields)) body.append(name, value);
      body.append("file", new Blob([bytes as Uint8Array<ArrayBuffer>]), "image"); // S3 ignores fields behind it
      const sizeBytes = bytes.byteLength;
      const answer = await this.#transport.askStorage({ method: "POST", url, body, sizeBytes }, signal);
      if (FORM_TAKEN.has(answer.status)) return upload;
      if (!FORM_EXPIRED.has(answer.status) || forms === FORMS) throw storageError(url, answer);
    }
  }
}

function inMemory(): UploadMemory {
  const ids = new Map<string, string>();
  return {
    of: (image) => ids.get(image),
    remember: (image, upload) => void ids.set(image, upload),
  };
}

function digestOf(...parts: (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part).update("\0");
  return hash.digest("hex");
}

/** Gives the result, only if it is an image, whole, and of the image that was sent: it may replace an original. */
function compressed(answer: Answer, sentBytes: number): Compressed {
  const { headers, body } = answer;
  const type = (/^[^;]*/.exec(headers.get("Content-Type") ?? "")?.[0] ?? "").trim().toLowerCase();
  if (!type.startsWith("image/"))
    throw badAnswer(answer, sentence("The service's answer is no image. Check minipic.baseUrl."));
  const isWhole = body.byteLength > 0 && isSize(headers.get("X-Output-Size"), body.byteLength);
  if (!isWhole) throw badAnswer(answer, sentence("The result came incomplete."));
  if (!isSize(headers.get("X-Input-Size"), sentBytes)) {
    throw badAnswer(answer, sentence("The result is not of the image that was sent."));
  }
  return { bytes: body, type };
}

/** Gateways may drop the service's headers. */
function isSize(told: string | null, sizeBytes: number): boolean {
  return told === null || Number(told) === sizeBytes;
}

function json(answer: Answer): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(answer.body));
  } catch {
    throw badAnswer(answer, sentence("This address answers, but not as MiniPic does. Check minipic.baseUrl."));
  }
}

function parseUploadForm(told: unknown): UploadForm {
  const { upload, url, fields } = (told ?? {}) as Partial<Record<keyof UploadForm, unknown>>;
  const areFields =
    typeof fields === "object" && fields !== null && Object.values(fields).every((value) => typeof value === "string");
  if (typeof upload !== "string" || typeof url !== "string" || !areFields) {
    throw new ServiceError(201, BAD_ANSWER, sentence("The service offered no upload form."));
  }
  return { upload, url, fields: fields as Record<string, string> };
}

function badAnswer(answer: Answer, message: Sentence): ServiceError {
  return new ServiceError(answer.status, BAD_ANSWER, message);
}
