/**
 * How long a state is kept after its last write (DESIGN section 6, "Expiry"): as long as a window may reach its events, and
 * a slack. Streams with a clock of their own say nothing of wall time, and a lifetime is reached for ever.
 */
import type { ViewPlan } from './plan.ts';

/** Null: for ever. Events may be `max_ahead` newer than the write that brought them. */
export function stateTtlMs(plan: ViewPlan): number | null {
  const { source, features } = plan.view;
  if (source.clock === 'watermark' || plan.hasLifetime) return null;
  let reachMs = 0;
  for (const { window } of features) {
    if (window.kind === 'sliding') reachMs = Math.max(reachMs, window.offsetMs + window.lengthMs + window.hopMs);
  }
  return reachMs + source.maxAheadMs + source.expirySlackMs;
}

/** Whether an absent state may be one that was forgotten: then nothing can be said of so old an `as_of`. */
export function mayBeForgotten(plan: ViewPlan, asOfMs: number, nowMs: number): boolean {
  return asOfMs < nowMs - plan.view.source.expirySlackMs && stateTtlMs(plan) !== null;
}
