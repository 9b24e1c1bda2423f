/** Keeps, for the status, what a source waits for; while stopping, nothing is waited for. */
import type { Clock } from '../core/clock.ts';
import type { RetryPolicy } from './retry.ts';

export interface WaitingFor {
  readonly code: string;
  readonly message: string;
  readonly sinceMs: number;
}

export interface Outage {
  readonly policy: RetryPolicy;
  waitingFor(): WaitingFor | null;
}

export interface OutageContext {
  readonly clock: Clock;
  readonly bounds: { readonly retryFirstMs: number; readonly retryLastMs: number };
  readonly controller: AbortController;
  readonly stopping: () => boolean;
}

export function createOutage({ clock, bounds, controller, stopping }: OutageContext): Outage {
  let waitingFor: WaitingFor | null = null;
  return {
    policy: {
      retryFirstMs: bounds.retryFirstMs,
      retryLastMs: bounds.retryLastMs,
      signal: controller.signal,
      onOutage(error) {
        if (error === null) waitingFor = null;
        else {
          waitingFor = { code: error.code, message: error.message, sinceMs: waitingFor?.sinceMs ?? clock.nowMs() };
          if (stopping()) controller.abort();
        }
      },
    },
    waitingFor: () => waitingFor,
  };
}
