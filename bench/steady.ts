/** A producer at a steady rate: sends what is due every few ms, without waiting for the answers of sends before. */
import { setTimeout as delay } from 'node:timers/promises';

const TICK_MS = 10;

/** One send: `count` events, `sent` before them, in the `tick`th of a hundred ticks a second. */
export type Send = (due: { readonly count: number; readonly sent: number; readonly tick: number }) => Promise<unknown>;

/** Until `over` is aborted and all is acknowledged; answers the rate that was reached. */
export async function sendSteadily(eventsPerSecond: number, over: AbortSignal, send: Send): Promise<number> {
  const startedMs = performance.now();
  const sends: Promise<unknown>[] = [];
  let sent = 0;
  for (let tick = 1; !over.aborted; tick++) {
    await delay(Math.max(0, startedMs + tick * TICK_MS - performance.now()));
    const count = Math.floor((tick * TICK_MS * eventsPerSecond) / 1_000) - sent;
    sends.push(send({ count, sent, tick }));
    sent += count;
  }
  await Promise.all(sends);
  return sent / ((performance.now() - startedMs) / 1e3);
}
