/** Which values of a vector are not what its replay gives, and the events that the replay's come from. */
import { isDeepStrictEqual } from 'node:util';
import { isOrdinary } from '../core/status.ts';
import { EXPLAIN_EVENTS_MAX, explain } from '../state/explain.ts';
import type { FeaturePlan } from '../vector/feature-plan.ts';
import type { Json } from '../vector/render.ts';
import type { Check } from './verify-check.ts';
import type { ReplayedVector } from './verify-vector.ts';

/** Where an event is in the log. */
export interface Coordinates {
  readonly source: string;
  readonly partition: number;
  readonly offset: number;
  readonly tsMs: number;
}

export interface Difference {
  readonly feature: string;
  readonly served: unknown;
  readonly replayed: Json;
  /** Null: not given along. */
  readonly servedStatus: string | null;
  readonly replayedStatus: string;
  /** The newest, at most `EXPLAIN_EVENTS_MAX`; of a derived feature, those of its inputs. */
  readonly events: readonly Coordinates[];
  readonly eventCount: number;
}

/** Of values that were given; of others there are none to compare. */
export function differencesOf(check: Check, replayed: ReplayedVector): readonly Difference[] {
  const { served, selection } = check;
  if (served.values === null) return [];
  return selection.served.flatMap((place, index): readonly Difference[] => {
    if (replayed.unknowable.has(place)) return [];
    const feature = selection.names[index] as string;
    const [value, again] = [served.values?.[index] ?? null, replayed.vector.values[index] ?? null];
    const replayedStatus = replayed.vector.statuses[index] as string;
    const servedStatus = statusServed(check, index, replayedStatus);
    if (isDeepStrictEqual(value, again) && (servedStatus === null || servedStatus === replayedStatus)) return [];
    const events = eventsOf(check, replayed, place);
    const newest = events.toSorted((one, other) => other.tsMs - one.tsMs).slice(0, EXPLAIN_EVENTS_MAX);
    return [
      {
        feature,
        served: value,
        replayed: again,
        servedStatus,
        replayedStatus,
        events: newest,
        eventCount: events.length,
      },
    ];
  });
}

/** Null: not known. Of issues, an ordinary status is known by its absence, and one is as good as another. */
function statusServed({ served, selection }: Check, index: number, replayed: string): string | null {
  const { statuses, issues } = served;
  if (statuses !== null) return statuses[index] ?? null;
  if (issues === null) return null;
  const issue = issues[selection.names[index] as string];
  if (issue !== undefined) return issue;
  return isOrdinary(replayed as Parameters<typeof isOrdinary>[0]) ? replayed : 'PRESENT';
}

function eventsOf(check: Check, replayed: ReplayedVector, place: number): readonly Coordinates[] {
  const found = new Map<string, Coordinates>();
  for (const each of viewFeaturesBehind(check.plan.service.features, place)) {
    const appearance = check.plan.appearances.get(each.appearance);
    if (appearance === undefined) continue;
    const source = appearance.lane.source.name;
    const state = replayed.states.get(each.appearance) ?? null;
    for (const event of explain(appearance.plan, state, each.feature, check.served.receipt.asOfMs, Infinity).events) {
      found.set(`${source}/${event.partition}/${event.offset}`, { source, ...event });
    }
  }
  return [...found.values()];
}

function viewFeaturesBehind(
  features: readonly FeaturePlan[],
  place: number,
): readonly (FeaturePlan & { kind: 'view' })[] {
  const feature = features[place];
  if (feature === undefined) return [];
  if (feature.kind === 'view') return [feature];
  return feature.inputs.flatMap((input) => viewFeaturesBehind(features, input));
}
