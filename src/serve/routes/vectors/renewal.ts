/**
 * Fragments made ahead of time. Where a window moves on, at the beginning of a minute say, much that was rendered ceases to hold
 * at once, and those who ask next would wait for all of it to be evaluated. So what will cease to hold soon is made anew
 * for the time after, a little at a time, and serves when its time has come, if the state is still the same. It is done
 * for what somebody has asked for since it was made: at most one evaluation more for each that a request asked for.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { CorruptBytesError } from '../../../core/bytes.ts';
import { evaluate } from '../../../state/evaluate.ts';
import type { ViewPlan } from '../../../state/plan.ts';
import { type Fragment, holds, metadataOf, renderFragment } from '../../../vector/fragment.ts';
import type { ViewPart } from '../../../vector/row-plan.ts';
import type { Serving } from '../../dependencies.ts';
import { type StateWithFragments, aheadOf, keepAhead } from './kept-fragments.ts';

/** What ceases to hold within this time is made anew, ms: as long as ten thousand states take in slices. */
export const AHEAD_MS = 10_000;
/** Between two passes over all that is kept, ms: what changed since the last one is made anew by the next. */
const PASS_MS = 1_000;
/** Work in one go, and then nothing for so long, ms: at most a ninth of a core, and no request waits long for it. */
const SLICE_MS = 0.5;
const PAUSE_MS = 4;
/** Looked at between two looks at the clock. */
const LOOKS_MAX = 64;

type Kept = Pick<Serving, 'clock' | 'entityPlaces' | 'viewPlans'>;

/** For as long as the app listens. */
export function installRenewal(app: FastifyInstance, serving: Serving): void {
  const stopping = new AbortController();
  app.addHook('onListen', async () => void renewFragments(serving, stopping.signal));
  app.addHook('onClose', async () => stopping.abort());
}

/** Goes on until it is told to stop. A fault ends it, and nothing else: what is not made ahead is made when it is asked for. */
async function renewFragments(serving: Serving, stop: AbortSignal): Promise<void> {
  const rest = (ms: number): Promise<void> => delay(ms, undefined, { signal: stop, ref: false });
  try {
    for (;;) {
      await rest(PASS_MS);
      let sliceEndsAt = performance.now() + SLICE_MS;
      for (const _ of renewalPass(serving)) {
        if (performance.now() < sliceEndsAt) continue;
        await rest(PAUSE_MS);
        sliceEndsAt = performance.now() + SLICE_MS;
      }
    }
  } catch (error) {
    if (!stop.aborted) serving.logger.error({ err: error }, 'fragments are not made ahead of time any longer');
  }
}

/** One pass over all that is kept; it may rest where it yields. */
export function* renewalPass({ clock, entityPlaces, viewPlans }: Kept): Generator<void> {
  let looks = 0;
  for (const { entry } of entityPlaces.all()) {
    if (entry !== null && renewEntry(viewPlans, entry, clock.nowMs())) looks = LOOKS_MAX;
    if (++looks < LOOKS_MAX) continue;
    looks = 0;
    yield;
  }
}

/** Whether something was made. */
function renewEntry(plans: Kept['viewPlans'], entry: StateWithFragments, nowMs: number): boolean {
  let isMade = false;
  for (const [part, fragment] of entry.fragments as Map<ViewPart, Fragment>) {
    const { fromMs, untilMs } = fragment;
    if (nowMs < fromMs || nowMs >= untilMs || untilMs - nowMs > AHEAD_MS) continue;
    const ahead = aheadOf(entry, part);
    if (ahead !== undefined && holds(ahead, untilMs, fragment, metadataOf(fragment))) continue;
    if (!makeAhead(plans.get(part.view) as ViewPlan, entry, part, fragment)) return false;
    isMade = true;
  }
  return isMade;
}

function makeAhead(plan: ViewPlan, entry: StateWithFragments, part: ViewPart, fragment: Fragment): boolean {
  try {
    const evaluation = evaluate(plan, entry.state, fragment.untilMs, fragment.completeFromMs);
    keepAhead(entry, part, renderFragment(part, evaluation, fragment, metadataOf(fragment)));
    return true;
  } catch (error) {
    // Who asks for it is told, and the log.
    if (error instanceof CorruptBytesError) return false;
    throw error;
  }
}
