/**
 * What was read, evaluated for one row: shard facts, states, `evaluate`. An entity is evaluated once a request for each
 * `as_of`, however many rows name it. A state that cannot be decoded is an `ERROR` of its
 * view's values, logged, and nothing else.
 */
import { evaluate, outOfHistory } from '../../../state/evaluate.ts';
import { mayBeForgotten } from '../../../state/expiry.ts';
import type { EntityState } from '../../../state/entity-state.ts';
import type { ViewPlan } from '../../../state/plan.ts';
import type { Evaluation } from '../../../state/state.ts';
import type { AppearanceOutcome } from '../../../vector/assemble.ts';
import { type ShardFacts, shardFacts } from '../../../vector/shard-facts.ts';
import type { ServicePlan } from '../../../vector/service.ts';
import type { Serving } from '../../dependencies.ts';
import type { EntityRef, ShardOutcome } from '../../shard-reads.ts';
import type { AppearanceRead } from './row-reads.ts';

export interface RowEvaluator {
  /** The least `as_of` at which all of the row's states are exact; −Infinity when any `as_of` is. */
  sealedUntilMs(reads: readonly (AppearanceRead | undefined)[]): number;
  evaluate(reads: readonly (AppearanceRead | undefined)[], asOfMs: number): readonly (AppearanceOutcome | undefined)[];
  /** The decoded state behind a read, for explain; null: no state, or none that can be looked at. */
  stateOf(read: AppearanceRead): EntityState | null;
  planOf(view: string): ViewPlan;
}

export interface EvaluatorInput {
  readonly serving: Serving;
  readonly plan: ServicePlan;
  readonly outcomes: ReadonlyMap<string, ShardOutcome>;
  /** Shards that had not applied what `after` asks for. */
  readonly notApplied: ReadonlySet<string>;
  readonly nowMs: number;
}

/** What a ref leads to: a state (null: none) with its shard's facts, or the reason there is nothing to evaluate. */
type Found =
  | { readonly kind: 'state'; readonly state: EntityState | null; readonly facts: ShardFacts & { kind: 'serving' } }
  | { readonly kind: 'withheld'; readonly outcome: AppearanceOutcome };

const UNAVAILABLE: Found = { kind: 'withheld', outcome: { kind: 'withheld', status: 'UNAVAILABLE' } };
const TIMED_OUT: Found = { kind: 'withheld', outcome: { kind: 'withheld', status: 'TIMED_OUT' } };
const REBUILDING: Found = { kind: 'withheld', outcome: { kind: 'withheld', status: 'REBUILDING' } };
const CORRUPT: Found = { kind: 'withheld', outcome: { kind: 'withheld', status: 'ERROR' } };

export function createRowEvaluator(input: EvaluatorInput): RowEvaluator {
  const { serving, nowMs } = input;
  const found = new Map<string, Found>();
  const evaluations = new Map<string, Evaluation>();

  function find(view: string, ref: EntityRef): Found {
    const id = `${view} ${ref.shard} ${ref.entity}`;
    let result = found.get(id);
    if (result === undefined) {
      result = lookUp(input, planOf(view), ref, nowMs);
      found.set(id, result);
    }
    return result;
  }

  function planOf(view: string): ViewPlan {
    return serving.viewPlans.get(view) as ViewPlan;
  }

  function evaluateOnce(view: string, entity: string, result: Found & { kind: 'state' }, asOfMs: number): Evaluation {
    const id = `${view} ${asOfMs} ${entity}`;
    let evaluation = evaluations.get(id);
    if (evaluation === undefined) {
      evaluation =
        result.state === null && mayBeForgotten(planOf(view), asOfMs, nowMs)
          ? outOfHistory(planOf(view), nowMs)
          : evaluate(planOf(view), result.state, asOfMs, result.facts.completeFromMs);
      evaluations.set(id, evaluation);
    }
    return evaluation;
  }

  function outcomeOf(read: AppearanceRead, asOfMs: number): AppearanceOutcome {
    if (read.kind === 'error') return { kind: 'withheld', status: 'ERROR' };
    if (read.kind === 'no_such_entity') {
      return { kind: 'evaluated', evaluation: evaluate(planOf(read.view), null, asOfMs, null), stale: false };
    }
    const result = find(read.view, read.ref);
    if (result.kind === 'withheld') return result.outcome;
    const evaluation = evaluateOnce(read.view, read.ref.entity, result, asOfMs);
    return { kind: 'evaluated', evaluation, stale: result.facts.stale };
  }

  function stateOf(read: AppearanceRead): EntityState | null {
    if (read.kind !== 'entity') return null;
    const result = find(read.view, read.ref);
    return result.kind === 'state' ? result.state : null;
  }

  return {
    sealedUntilMs(reads) {
      let latest = Number.NEGATIVE_INFINITY;
      for (const read of reads) {
        const state = read === undefined ? null : stateOf(read);
        if (state !== null) latest = Math.max(latest, state.sealedUntilMs);
      }
      return latest;
    },
    evaluate: (reads, asOfMs) => reads.map((read) => (read === undefined ? undefined : outcomeOf(read, asOfMs))),
    stateOf,
    planOf,
  };
}

function lookUp(input: EvaluatorInput, plan: ViewPlan, ref: EntityRef, nowMs: number): Found {
  if (input.notApplied.has(ref.shard)) return TIMED_OUT;
  const outcome = input.outcomes.get(ref.shard);
  if (outcome === undefined || outcome.kind === 'unavailable') return UNAVAILABLE;
  if (outcome.kind === 'timed_out') return TIMED_OUT;
  const section = outcome.sections.get(ref.fingerprint);
  const facts = shardFacts(section?.checkpoint ?? null, plan.view.source.staleAfterMs, nowMs);
  if (facts.kind === 'rebuilding') return REBUILDING;
  const built = section?.checkpoint?.partitions ?? 1;
  if (!input.serving.partitions.agrees(plan.view.source.name, built)) return REBUILDING;
  const entry = section?.states.get(ref.entity);
  if (entry === undefined) return outcome.lacks?.kind === 'timed_out' ? TIMED_OUT : UNAVAILABLE;
  if (entry.kind === 'state') return { kind: 'state', state: entry.state, facts };
  input.serving.logger.error({ shard: ref.shard, view: plan.view.id, reason: entry.reason }, 'corrupt state');
  return CORRUPT;
}
