/**
 * Served rows against what the log gives: by their receipts, of which every value and status must be the same, and by event
 * time, which is how far what was known was from what was true.
 */
import { assert } from '../core/assert.ts';
import type { Status } from '../core/status.ts';
import { evaluate } from '../state/evaluate.ts';
import type { Evaluation } from '../state/state.ts';
import { type AppearanceOutcome, type Vector, assemble } from '../vector/assemble.ts';
import type { AuditExample, AuditFeature } from '../vector/audit-report.ts';
import { formatTimestamp } from '../core/time.ts';
import type { Json } from '../vector/render.ts';
import type { AuditRow, AuditService } from './audit-rows.ts';
import { type DifferenceTally, createDifferenceTally } from './differences.ts';
import { KNOWN } from './fold-orders.ts';
import type { ResultBlock } from './results.ts';
import type { TrainAppearance } from './train-plan.ts';
import type { Check } from './verify-check.ts';

/** A value that is not what the replay gives. */
export interface Mismatch extends AuditExample {
  readonly receipt: string;
  readonly served: Json;
  readonly served_status: Status;
  readonly replayed: Json;
  readonly replayed_status: Status;
}

export interface ServiceFindings {
  /** Rows of which nothing was compared, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
  readonly features: readonly AuditFeature[];
  /** The first few. */
  readonly mismatches: readonly Mismatch[];
}

export interface ServiceTally {
  skip(reason: string): void;
  /** `replayed` by the receipt, `truth` by event time; places of features of which the log no longer holds all. */
  add(row: AuditRow, check: Check, replayed: Vector, truth: Vector, unknowable: ReadonlySet<number>): void;
  findings(): ServiceFindings;
}

/** Mismatches that are told one by one, of each service. */
const MISMATCHES_TOLD_MAX = 10;
/** What depends on the moment and not on the log: such values are as their receipt says, and say nothing more. */
const OF_THE_MOMENT: ReadonlySet<Status> = new Set(['REBUILDING', 'OUT_OF_HISTORY', 'TIMED_OUT', 'UNAVAILABLE']);

interface FeatureTally {
  compared: number;
  mismatched: number;
  readonly skipped: Record<string, number>;
  readonly truth: DifferenceTally;
}

export function createServiceTally({ plan }: AuditService): ServiceTally {
  const { features } = plan.service.definition;
  const tallies = features.map((): FeatureTally => {
    return { compared: 0, mismatched: 0, skipped: {}, truth: createDifferenceTally() };
  });
  const skipped: Record<string, number> = {};
  const mismatches: Mismatch[] = [];

  return {
    skip: (reason) => addOne(skipped, reason),
    add(row, { selection }, replayed, truth, unknowable) {
      const { served } = row;
      for (const [index, place] of selection.served.entries()) {
        const tally = tallies[place] as FeatureTally;
        const [value, status] = [served.values[index] ?? null, served.statuses[index] as Status];
        const [again, statusAgain] = [replayed.values[index] ?? null, replayed.statuses[index] as Status];
        const isSame = status === statusAgain && isSameValue(value, again);
        if (isSame && OF_THE_MOMENT.has(status)) addOne(tally.skipped, status);
        else if (unknowable.has(place)) addOne(tally.skipped, 'not_reproducible');
        else {
          tally.compared += 1;
          tally.truth.add(truth.values[index] ?? null, value, truth.statuses[index] === status);
          if (isSame) continue;
          tally.mismatched += 1;
          if (mismatches.length === MISMATCHES_TOLD_MAX) continue;
          const example = exampleOf(row, selection.names[index] as string);
          mismatches.push({
            ...example,
            receipt: served.receipt,
            served: value,
            served_status: status,
            replayed: again,
            replayed_status: statusAgain,
          });
        }
      }
    },
    findings: () => ({
      skipped,
      mismatches,
      features: features.map(({ name }, place) => featureOf(name, tallies[place] as FeatureTally)),
    }),
  };
}

function addOne(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

/** Texts are JSON's on both sides, which loses no bit of what serving answers. */
function isSameValue(served: Json, again: Json): boolean {
  return served === again || JSON.stringify(served) === JSON.stringify(again);
}

function exampleOf({ partition, offset, served }: AuditRow, feature: string): AuditExample {
  return { feature, partition, offset, as_of: formatTimestamp(served.asOfMs) };
}

function featureOf(feature: string, { compared, mismatched, skipped, truth }: FeatureTally): AuditFeature {
  const { differing, missing, extra, meanDifference, largestDifference } = truth.report();
  return {
    feature,
    compared,
    mismatched,
    skipped,
    differing,
    missing,
    extra,
    mean_difference: meanDifference,
    largest_difference: largestDifference,
  };
}

/** One row, of which all evaluations are in the block. */
export function compareRow(row: AuditRow, block: ResultBlock, tally: ServiceTally): void {
  const { check } = row;
  assert(check !== 'receipt_invalid', 'rows without a sound receipt are skipped');
  if (isSkipped(row, check, block, KNOWN.erased)) tally.skip('erased');
  else if (isSkipped(row, check, block, KNOWN.crossed)) tally.skip('positions_crossed');
  else {
    const { plan, selection, request, served } = check;
    const vectorOf = (known: number): Vector =>
      assemble(plan.service, selection, request, served.receipt.asOfMs, outcomesOf(row, check, block, known));
    const unknowable = unknowableOf(row, check, block);
    tally.add(row, check, vectorOf(KNOWN.position), vectorOf(KNOWN.eventTime), unknowable);
  }
}

function isSkipped({ row, service }: AuditRow, { reads }: Check, block: ResultBlock, reason: number): boolean {
  return reads.some(({ appearance }) => block.find(row, reason, service.base + appearance.index) !== null);
}

/** Null: there is none of the kind. */
function evaluationOf(
  { row, service }: AuditRow,
  { index, codec }: TrainAppearance,
  block: ResultBlock,
  known: number,
): Evaluation | null {
  const bytes = block.find(row, known, service.base + index);
  return bytes === null ? null : codec.read(bytes);
}

function outcomesOf(
  row: AuditRow,
  { reads, served }: Check,
  block: ResultBlock,
  known: number,
): readonly AppearanceOutcome[] {
  const outcomes: AppearanceOutcome[] = [];
  for (const { appearance, read } of reads) {
    const { index, plan } = appearance;
    if (read.kind === 'withheld') outcomes[index] = { kind: 'withheld', status: read.status };
    else if (read.kind === 'nobody') {
      const evaluation = evaluate(plan, null, served.receipt.asOfMs, null);
      outcomes[index] = { kind: 'evaluated', evaluation, stale: false };
    } else {
      const evaluation = evaluationOf(row, appearance, block, known);
      assert(evaluation !== null, 'every appearance of every row was evaluated');
      const stale = known !== KNOWN.eventTime && read.shard.stale;
      outcomes[index] = { kind: 'evaluated', evaluation, stale };
    }
  }
  return outcomes;
}

/** Places of features that the log no longer tells, for it, or what was built from it, began elsewhere. */
function unknowableOf(row: AuditRow, { plan, selection, reads }: Check, block: ResultBlock): Set<number> {
  const unknowable = new Set<number>();
  for (const { appearance } of reads) {
    const held = evaluationOf(row, appearance, block, KNOWN.held);
    const then = evaluationOf(row, appearance, block, KNOWN.position);
    if (held === null || then === null) continue;
    const lost = incompleteIn(held, then);
    for (const feature of plan.service.features) {
      const isLost = feature.kind === 'view' && feature.appearance === appearance.index && lost.has(feature.feature);
      if (isLost) unknowable.add(feature.place);
    }
  }
  for (const { place, inputs } of selection.computed) {
    if (inputs.some((input) => unknowable.has(input))) unknowable.add(place);
  }
  return unknowable;
}

/** Where either lacks history, a value is what its own history gives; only that both withhold it is the same. */
function incompleteIn(held: Evaluation, then: Evaluation): ReadonlySet<number> {
  const isLost = (_status: Status, index: number): boolean =>
    then.statuses[index] === 'INCOMPLETE'
      ? (then.values[index] ?? null) !== null
      : held.statuses[index] === 'INCOMPLETE';
  return new Set(held.statuses.flatMap((status, index) => (isLost(status, index) ? [index] : [])));
}
