/** Time is an argument everywhere below the composition root; this port is how drivers get it. */

export interface Clock {
  /** Wall time, integer milliseconds since the epoch, UTC. */
  nowMs(): number;
}

export const systemClock: Clock = { nowMs: () => Date.now() };
