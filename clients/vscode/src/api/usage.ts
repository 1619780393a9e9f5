/** What an account used this month, and what is left. */

import { BAD_ANSWER, ServiceError } from "./errors.ts";
import { sentence } from "./words.ts";

const HOUR_MS = 3_600_000;

/** The answer of `GET /v1/usage`; more may be in it. */
export interface Usage {
  /** The service's month, UTC, as 2026-11. */
  month: string;
  plan: string;
  /** Images this month. */
  count: number;
  free: { limit: number; used: number; remaining: number; resets_at: string };
  credits: { remaining: number; packs: CreditPack[] };
  by_operation: Record<string, number>;
  bytes_in: number;
  bytes_out: number;
  limits: {
    max_bytes: number;
    max_pixels: number;
    rate_per_second: number;
    burst: number;
    concurrency: number;
  };
}

/** Images that were bought, drawn from in the order of purchase. */
export interface CreditPack {
  id: string;
  purchased_at: string;
  size: number;
  remaining: number;
}

type Check = (value: unknown) => boolean;

const isNumber: Check = (value) => typeof value === "number" && Number.isFinite(value);
const isText: Check = (value) => typeof value === "string";
const isMonth: Check = (value) => typeof value === "string" && /^\d{4}-(0[1-9]|1[0-2])$/.test(value);
const isTime: Check = (value) => typeof value === "string" && !Number.isNaN(Date.parse(value));

const PACK: Record<keyof CreditPack, Check> = {
  id: isText,
  purchased_at: isTime,
  size: isNumber,
  remaining: isNumber,
};

const USAGE: Record<keyof Usage, Check> = {
  month: isMonth,
  plan: isText,
  count: isNumber,
  free: hasAll({ limit: isNumber, used: isNumber, remaining: isNumber, resets_at: isTime }),
  credits: hasAll({ remaining: isNumber, packs: (value) => Array.isArray(value) && value.every(hasAll(PACK)) }),
  by_operation: (value) => isObject(value) && Object.values(value).every(isNumber),
  bytes_in: isNumber,
  bytes_out: isNumber,
  limits: hasAll({
    max_bytes: isNumber,
    max_pixels: isNumber,
    rate_per_second: isNumber,
    burst: isNumber,
    concurrency: isNumber,
  }),
};

/** Gives the usage that an answer tells; ServiceError "BadAnswer" if something of it is missing or of another kind. */
export function parseUsage(json: unknown): Usage {
  if (!hasAll(USAGE)(json)) {
    throw new ServiceError(
      200,
      BAD_ANSWER,
      sentence("This address answers, but not as MiniPic does. Check minipic.baseUrl."),
    );
  }
  return json as Usage;
}

/**
 * Gives how many images there will be by the end of the usage's month if it goes on as so far; never fewer than there
 * are, and just those when `now` lies outside of the month.
 */
export function monthEstimate(usage: Usage, now: Date): number {
  const [year = 0, month = 0] = usage.month.split("-").map(Number);
  const startMs = Date.UTC(year, month - 1);
  const endMs = Date.UTC(year, month);
  const nowMs = now.getTime();
  if (!(nowMs >= startMs && nowMs < endMs)) return usage.count;
  // A pace over the first seconds would promise millions.
  const elapsedMs = Math.max(nowMs - startMs, HOUR_MS);
  return Math.max(usage.count, Math.round((usage.count * (endMs - startMs)) / elapsedMs));
}

function hasAll(checks: Record<string, Check>): Check {
  return (value) => isObject(value) && Object.entries(checks).every(([name, check]) => check(value[name]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
