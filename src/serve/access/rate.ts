/** How many requests a key, or a client address, may make in a window: `100/s`, `6000/m`. */

export interface Rate {
  readonly requests: number;
  readonly windowMs: number;
}

export const RATE_FORMS = 'a number of requests and s, m or h, such as 100/s or 6000/m';

const WINDOWS_MS = { s: 1_000, m: 60_000, h: 3_600_000 } as const;
const RATE = /^([1-9]\d{0,8})\/([smh])$/;

/** Null: not a rate. */
export function parseRate(text: string): Rate | null {
  const match = RATE.exec(text);
  if (match === null) return null;
  return { requests: Number(match[1]), windowMs: WINDOWS_MS[match[2] as keyof typeof WINDOWS_MS] };
}

export function formatRate({ requests, windowMs }: Rate): string {
  const unit = Object.entries(WINDOWS_MS).find(([, ms]) => ms === windowMs)?.[0] ?? 's';
  return `${requests}/${unit}`;
}
