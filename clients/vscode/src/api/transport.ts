/**
 * Requests to the service: patience, repeats, and where the key may go.
 *
 * The key is sent to the service's own address and nowhere else: stored results and upload forms are asked without it.
 */

import { checkedAddress, checkedKey } from "./address.ts";
import { BAD_ANSWER, IN_PROGRESS, isLimitReached, serviceError, ServiceError, STORAGE, Unreachable } from "./errors.ts";
import { Broken, exchange, type Answer, type Fetch, hostOf, type Outgoing } from "./exchange.ts";
import { Pace, type Pause } from "./pace.ts";
import { sentence } from "./words.ts";

const TRIES_WHEN_BUSY = 8;
const TRIES_WHEN_BROKEN = 3;
const MAX_WAIT_S = 120;
const PAUSE_S = 0.25;
const MAX_HOPS = 3;
const BUSY = new Set([429, 503]);
const BROKEN = new Set([500, 502, 504]);
const FETCHED_ELSEWHERE = new Set([302, 303]);

/** A request to a path of the service. */
export type Call = Omit<Outgoing, "url"> & { path: string };

/** Connections to one service, shared by all who ask it. */
export class Transport {
  /** The service's, as requests begin with it. */
  readonly address: string;
  readonly #key: string;
  readonly #fetch: Fetch;
  readonly #pace: Pace;
  /** How many requests were answered with what they asked for. */
  #served = 0;

  /** BadAddress, BadKey. */
  constructor(address: string, key: string, fetch: Fetch, pause: Pause) {
    this.address = checkedAddress(address);
    this.#key = checkedKey(key);
    this.#fetch = fetch;
    this.#pace = new Pace(pause);
  }

  /** Sends a request that may safely be sent again, with the key; gives a 2xx. ServiceError, Unreachable. */
  async ask(call: Call, signal: AbortSignal): Promise<Answer> {
    const answer = await this.#asked(call, signal);
    if (!isOk(answer)) throw misdirected(this.address, answer);
    return answer;
  }

  /**
   * As `ask`, but an answer may name a stored result, which is fetched without the key; its headers are those of both
   * answers. ServiceError, Unreachable.
   */
  async askForResult(call: Call, signal: AbortSignal): Promise<Answer> {
    let url = this.address + call.path;
    let answer = await this.#asked(call, signal);
    const headers = new Headers(answer.headers);
    for (let hops = 0; !isOk(answer); hops += 1) {
      const target = locationOf(url, answer);
      const isResult = FETCHED_ELSEWHERE.has(answer.status) && hops < MAX_HOPS;
      if (target === undefined || !isResult || !this.#isSecure(target)) throw misdirected(url, answer);
      url = target.href;
      answer = await this.askStorage({ method: "GET", url }, signal);
      if (answer.status >= 400) throw storageError(url, answer);
      answer.headers.forEach((value, name) => {
        headers.set(name, value);
      });
    }
    return { ...answer, headers };
  }

  /** Sends a request without the key to where the service said; gives whatever is answered in the end. Unreachable. */
  async askStorage(request: Outgoing, signal: AbortSignal): Promise<Answer> {
    if (!URL.canParse(request.url) || !this.#isSecure(new URL(request.url))) {
      throw new ServiceError(200, BAD_ANSWER, sentence("The service names an address that is not secure."));
    }
    for (let busy = 0, broken = 0; ;) {
      const isLast = broken + 1 === TRIES_WHEN_BROKEN;
      const answer = await this.#once(request, isLast, signal);
      const waitS = answer && BUSY.has(answer.status) ? toldWaitS(answer) : undefined;
      if (waitS !== undefined && waitS <= MAX_WAIT_S && ++busy < TRIES_WHEN_BUSY) {
        this.#pace.hold(waitS + Math.random() * PAUSE_S);
        continue;
      }
      if (answer !== undefined && (isLast || answer.status < 500)) return answer;
      broken += 1;
      await this.#pace.rest(growingPauseS(broken), signal);
    }
  }

  /** Gives an answer below 400 from the service itself. */
  async #asked({ path, ...call }: Call, signal: AbortSignal): Promise<Answer> {
    const headers = { ...call.headers, Authorization: `Bearer ${this.#key}` };
    const request = { ...call, headers, url: this.address + path };
    for (let busy = 0, served = 0, inProgress = 0, broken = 0; ;) {
      const answer = await this.#once(request, broken + 1 === TRIES_WHEN_BROKEN, signal);
      if (answer !== undefined && answer.status < 400) {
        this.#served += 1;
        return answer;
      }
      if (answer === undefined || BROKEN.has(answer.status)) {
        broken += 1;
        if (answer !== undefined && broken === TRIES_WHEN_BROKEN) throw this.#refusal(answer);
        await this.#pace.rest(growingPauseS(broken), signal);
      } else if (answer.status === 409) {
        // It is about this one image.
        inProgress += 1;
        await this.#pace.rest(this.#inProgressWaitS(answer, inProgress), signal);
      } else {
        // While others of this client get through, it is a matter of turns, not of patience.
        busy = this.#served === served ? busy + 1 : 1;
        served = this.#served;
        this.#pace.hold(this.#busyWaitS(answer, busy));
      }
    }
  }

  /** Gives the answer, undefined where there was none and another try may help; Unreachable. */
  async #once(request: Outgoing, isLast: boolean, signal: AbortSignal): Promise<Answer | undefined> {
    await this.#pace.ready(signal);
    try {
      return await exchange(this.#fetch, request, signal);
    } catch (error) {
      if (!(error instanceof Broken)) throw error;
      if (isLast) throw new Unreachable(error.sentence);
      return undefined;
    }
  }

  /** Gives how long all wait before a refused request is sent again; throws the refusal where that is no use. */
  #busyWaitS(answer: Answer, tries: number): number {
    const error = this.#refusal(answer);
    if (!BUSY.has(error.status) || isLimitReached(error) || tries === TRIES_WHEN_BUSY) throw error;
    const toldS = toldWaitS(answer);
    // The service tells when its rate allows the next one; the places that others' work takes may take longer.
    const waitS = toldS !== undefined && tries <= 2 ? toldS : Math.max(toldS ?? 0, untoldWaitS(tries));
    if (waitS > MAX_WAIT_S) throw error;
    return waitS + Math.random() * PAUSE_S;
  }

  /** The same for a 409, where the first request goes on: a service that was killed holds its place for two minutes. */
  #inProgressWaitS(answer: Answer, tries: number): number {
    const error = this.#refusal(answer);
    const waitS = Math.max(toldWaitS(answer) ?? 0, untoldWaitS(tries));
    if (error.code !== IN_PROGRESS || tries === TRIES_WHEN_BUSY || waitS > MAX_WAIT_S) throw error;
    return waitS + Math.random() * PAUSE_S;
  }

  #refusal(answer: Answer): ServiceError {
    return serviceError(answer.status, answer.body, this.#key);
  }

  #isSecure({ protocol, username }: URL): boolean {
    return username === "" && (protocol === "https:" || protocol === new URL(this.address).protocol);
  }
}

/** Gives the error for what a storage refused. */
export function storageError(url: string, answer: Answer): ServiceError {
  return new ServiceError(
    answer.status,
    STORAGE,
    sentence("The storage at {0} answered {1}.", hostOf(url), answer.status),
  );
}

function isOk(answer: Answer): boolean {
  return answer.status >= 200 && answer.status < 300;
}

/** The seconds of Retry-After; undefined where it tells none. */
function toldWaitS(answer: Answer): number | undefined {
  const told = answer.headers.get("Retry-After") ?? "";
  return /^\d+$/.test(told) ? Number(told) : undefined;
}

function untoldWaitS(tries: number): number {
  return Math.min(2 ** tries, 30);
}

function growingPauseS(tries: number): number {
  return PAUSE_S * 2 ** tries + Math.random() * PAUSE_S;
}

function locationOf(url: string, answer: Answer): URL | undefined {
  const location = answer.headers.get("Location");
  return location !== null && URL.canParse(location, url) ? new URL(location, url) : undefined;
}

function misdirected(url: string, answer: Answer): Unreachable {
  const host = locationOf(url, answer)?.host ?? "nowhere";
  return new Unreachable(
    sentence(
      "The service redirects ({0}) to {1}. Set minipic.baseUrl to the service's own address.",
      answer.status,
      host,
    ),
  );
}
