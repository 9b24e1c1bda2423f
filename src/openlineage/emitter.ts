/**
 * Sends events one after the other, in the background. Whoever emits never waits and never fails: what does not fit the queue or
 * cannot be delivered in time is dropped, counted, and warned of once until it goes well again.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../core/errors.ts';
import type { RunEvent } from './event.ts';

/** Where events go. Rejects where one was not taken. */
export interface Sink {
  send(event: RunEvent, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface Emitter {
  emit(event: RunEvent): void;
  report(): EmitterReport;
  /** Delivers what is left, for a little while. Never rejects. */
  close(): Promise<void>;
}

/** Events since the start of the process. */
export interface EmitterReport {
  readonly sent: number;
  readonly failed: number;
  readonly dropped: number;
}

export interface EmitterBounds {
  /** Events that wait; one more is dropped. */
  readonly queueMax: number;
  /** For one event, ms. */
  readonly sendMs: number;
  /** For all that is left at the end, ms. */
  readonly closeMs: number;
}

export const EMITTER_BOUNDS: EmitterBounds = { queueMax: 1_000, sendMs: 5_000, closeMs: 2_000 };

export function createEmitter(
  sink: Sink,
  onWarning: (message: string) => void,
  bounds: EmitterBounds = EMITTER_BOUNDS,
): Emitter {
  const queue: RunEvent[] = [];
  const counts = { sent: 0, failed: 0, dropped: 0 };
  let working: Promise<void> | null = null;
  let isTroubled = false;
  const trouble = (message: string): void => {
    if (!isTroubled) onWarning(`OpenLineage: ${message}; further events that are lost are counted, and not told`);
    isTroubled = true;
  };
  const sendNext = async (event: RunEvent): Promise<void> => {
    try {
      const signal = AbortSignal.timeout(bounds.sendMs);
      const late = delay(bounds.sendMs, undefined, { ref: false }).then(() => {
        throw new Error(`no answer within ${bounds.sendMs} ms`);
      });
      await Promise.race([sink.send(event, signal), late]);
      counts.sent++;
      isTroubled = false;
    } catch (error) {
      counts.failed++;
      trouble(`an event was not taken: ${messageOf(error)}`);
    }
  };
  const work = async (): Promise<void> => {
    for (let event = queue.shift(); event !== undefined; event = queue.shift()) await sendNext(event);
    working = null;
  };
  return {
    emit(event) {
      if (queue.length >= bounds.queueMax) {
        counts.dropped++;
        trouble(`${bounds.queueMax} events wait already`);
        return;
      }
      queue.push(event);
      working ??= work();
    },
    report: () => counts,
    async close() {
      await Promise.race([working, delay(bounds.closeMs, undefined, { ref: false })]);
      const left = queue.splice(0).length;
      counts.dropped += left;
      if (left > 0) trouble(`${left} events were not delivered in time`);
      await sink.close().catch((error: unknown) => trouble(messageOf(error)));
    },
  };
}
