/** Of a dead letter's record that was appended again, the outcomes of lanes that are not named in it. */
import type { ViewOutcome } from '../event/event.ts';
import type { Lane } from './lane.ts';

const FILTERED: ViewOutcome = Object.freeze({ kind: 'filtered' });

/** `outcomes`, with those of lanes that the record does not name filtered. */
export function onlyForNamed(
  named: ReadonlySet<string>,
  outcomes: readonly ViewOutcome[],
  lanes: readonly Lane[],
): readonly ViewOutcome[] {
  const narrowed = [...outcomes];
  for (const { outcomeIndex, plan } of lanes) if (!named.has(plan.fingerprint)) narrowed[outcomeIndex] = FILTERED;
  return narrowed;
}
