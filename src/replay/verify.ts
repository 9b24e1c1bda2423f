/**
 * Receipts checked: each vector is made again from the log below the positions that its receipt names, by the code that serves,
 * and held against what was served, bit for bit. What depended on the moment alone (a shard that was stale, values that were
 * withheld) is as the receipt says.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Aggregation } from '../aggregate/aggregation.ts';
import type { ServiceDefinition } from '../definition/definition.ts';
import { valuesDigest } from '../vector/receipt.ts';
import type { Vector } from '../vector/assemble.ts';
import type { Json } from '../vector/render.ts';
import { type Readers, readEntityEvents } from './entity-events.ts';
import { createEntityTargets } from './entity-targets.ts';
import { type TrainPlan, planTraining } from './train-plan.ts';
import { type Check, type Served, planCheck } from './verify-check.ts';
import { type Difference, differencesOf } from './verify-differences.ts';
import { createCounted } from './verify-replay.ts';
import {
  type PlannedCheck,
  type ReplayContext,
  type ReplayedVector,
  askForEvents,
  replayVector,
} from './verify-vector.ts';

export type VerifyOutcome = 'same_bits' | 'different' | 'not_reproducible' | 'erased';

export interface Verified {
  readonly result: VerifyOutcome;
  /** A sentence; null: nothing to add. */
  readonly reason: string | null;
  readonly differences: readonly Difference[];
  /** What the replay gives, by feature; null: there is no replay. */
  readonly replayed: Readonly<Record<string, Json>> | null;
}

export interface VerifyOptions {
  readonly aggregations: ReadonlyMap<string, Aggregation>;
  /** The service of this name and version with this fingerprint, as it is or as it was; or why it cannot be had, as a sentence. */
  readonly serviceOf: (name: string, version: number, fingerprint: string) => Promise<ServiceDefinition | string>;
  readonly readers: Readers;
  /** Of entities that receipts are of, within reach; beyond, `verify` rejects with `too_many_events`. */
  readonly eventsMax: number;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/** Aligned with `served`. One pass over each partition that any of them names. */
export async function verify(served: readonly Served[], options: VerifyOptions): Promise<readonly Verified[]> {
  const plans = new Map<string, TrainPlan | string>();
  const targets = createEntityTargets(options.eventsMax);
  const planned: (PlannedCheck | string)[] = [];
  for (const each of served) {
    const plan = await planOf(each, plans, options);
    const check = typeof plan === 'string' ? plan : planCheck(plan, each);
    planned.push(typeof check === 'string' ? check : askForEvents(check, targets));
  }
  const held = await readEntityEvents(targets, options.readers, options);
  const context = { held, countedOf: createCounted(), nowMs: options.nowMs };
  return planned.map((each) => (typeof each === 'string' ? notReproducible(each) : judge(each, context)));
}

async function planOf(
  { receipt: { service, version, fingerprint } }: Served,
  plans: Map<string, TrainPlan | string>,
  { serviceOf, aggregations }: VerifyOptions,
): Promise<TrainPlan | string> {
  const id = `${service}@${version}/${fingerprint}`;
  const known = plans.get(id);
  if (known !== undefined) return known;
  const definition = await serviceOf(service, version, fingerprint);
  const plan = typeof definition === 'string' ? definition : planTraining(definition, aggregations, null);
  plans.set(id, plan);
  return plan;
}

function judge(planned: PlannedCheck, context: ReplayContext): Verified {
  const found = replayVector(planned, context);
  switch (found.kind) {
    case 'erased':
      return verified('erased', `the entity ${found.entity} was erased after this was served`);
    case 'lost':
      return notReproducible(found.reason);
    case 'replayed':
      return compare(planned.check, found);
  }
}

function compare(check: Check, found: ReplayedVector): Verified {
  const { served, selection } = check;
  const { vector, unknowable } = found;
  const replayed = Object.fromEntries(selection.names.map((name, index) => [name, vector.values[index] ?? null]));
  const differences = differencesOf(check, found);
  const lost = selection.names.filter((_name, index) => unknowable.has(selection.served[index] as number));
  if (differences.length > 0) return { ...verified('different', alteredReason(served, vector)), differences, replayed };
  if (lost.length > 0) {
    const reason = `the log no longer holds all that these features come from: ${lost.join(', ')}`;
    return { ...notReproducible(reason), replayed };
  }
  if (served.receipt.digest === digestOf(vector.values)) return { ...verified('same_bits', null), replayed };
  const reason =
    served.values === null
      ? 'the values that were served were others; give them along with the receipt to see which'
      : 'the values given are those of the replay, and not those that the receipt was written for';
  return { ...verified('different', reason), replayed };
}

/** Whether the values given were ever served; what a tool changed in their order or spelling counts for nothing. */
function alteredReason({ values, receipt }: Served, vector: Vector): string | null {
  if (values === null) return null;
  const asServed = values.map((value, index) => {
    const replayed = vector.values[index] ?? null;
    return isDeepStrictEqual(value, replayed) ? replayed : (value as Json);
  });
  return digestOf(asServed) === receipt.digest
    ? null
    : 'the values given are not those that the receipt was written for';
}

function digestOf(values: readonly Json[]): string {
  return valuesDigest(JSON.stringify(values));
}

function notReproducible(reason: string): Verified {
  return verified('not_reproducible', reason);
}

function verified(result: VerifyOutcome, reason: string | null): Verified {
  return { result, reason, differences: [], replayed: null };
}
