/** When requests may go: one pace for all requests of a client. */

import { setTimeout as sleep } from "node:timers/promises";

/** Waits so many seconds, or until the signal aborts: then it throws the signal's reason. */
export type Pause = (waitS: number, signal: AbortSignal) => Promise<void>;

/** The Pause by the clock. */
export async function pause(waitS: number, signal: AbortSignal): Promise<void> {
  await sleep(waitS * 1000, undefined, { signal }).catch(() => {
    signal.throwIfAborted();
  });
}

/** Makes all requests of a client wait together when the service asks for it. */
export class Pace {
  #freeAtMs = 0;
  #holds = 0;
  readonly #pause: Pause;

  constructor(pause: Pause) {
    this.#pause = pause;
  }

  /** Lets no request go for so long. */
  hold(waitS: number): void {
    this.#holds += 1;
    this.#freeAtMs = Math.max(this.#freeAtMs, performance.now() + waitS * 1000);
  }

  /** Returns when a request may go; throws the signal's reason when it aborts before. */
  async ready(signal: AbortSignal): Promise<void> {
    // Each hold is waited for once, so that a pause which takes no time (in tests) does not go round and round.
    for (let seen = 0; seen !== this.#holds;) {
      seen = this.#holds;
      const leftS = (this.#freeAtMs - performance.now()) / 1000;
      if (leftS > 0) await this.#pause(leftS, signal);
    }
    signal.throwIfAborted();
  }

  /** Lets only the one request rest. */
  async rest(waitS: number, signal: AbortSignal): Promise<void> {
    await this.#pause(waitS, signal);
  }
}
