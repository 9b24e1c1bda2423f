/**
 * From labels to what must be evaluated: for each row and appearance of a view one request, kept by entity. What needs no
 * event (a key that is null, one whose expression fails) is answered here.
 */
import { SkewlessError } from '../core/errors.ts';
import type { Status } from '../core/status.ts';
import { type Features, evaluateFeatures } from '../state/evaluate.ts';
import { createWorkspace } from '../vector/derived.ts';
import { fillRequest } from '../vector/row-text.ts';
import { type Duck, inBuckets, writeParquet } from './duck.ts';
import type { Completeness } from './completeness.ts';
import { type EntityFilter, bucketOf, createEntityHash } from './entity-filter.ts';
import { type LabelProblem, type LabelRow, isProblem, readLabelRows, wantedOf } from './label-rows.ts';
import type { Labels } from './labels.ts';
import type { Results } from './results.ts';
import type { TrainAppearance, TrainPlan } from './train-plan.ts';

/** Rows at fault that are told one by one. */
const PROBLEMS_TOLD_MAX = 20;

export const REQUEST_COLUMNS = [
  { name: 'bucket', type: 'UTINYINT' },
  { name: 'lane', type: 'INTEGER' },
  { name: 'entity', type: 'VARCHAR' },
  { name: 'at_ms', type: 'DOUBLE' },
  { name: 'row', type: 'DOUBLE' },
  { name: 'appearance', type: 'INTEGER' },
  /** Event time before which the entity's history may be missing, ms; null: it is complete. */
  { name: 'held_ms', type: 'DOUBLE' },
] as const;

export interface Requests {
  /** In the sample. */
  readonly rows: number;
  /** Of the labels' times, ms; null: there are no rows. */
  readonly earliestMs: number | null;
  readonly latestMs: number | null;
}

export interface RequestPaths {
  readonly labels: string;
  readonly requests: string;
}

export interface RequestOptions {
  /** As of `TrainBounds`. */
  readonly partEvents: number;
  readonly sample: number;
  /** What results are of: all that is answered here is the same for each. */
  readonly knowledges: readonly number[];
  readonly labelsPath: string;
  readonly completeFromMs: Completeness;
  /** Of what is answered here. */
  readonly results: Results;
}

/** Fills `wanted`. Throws `labels_invalid` with the rows at fault. */
export async function planRequests(
  duck: Duck,
  plan: TrainPlan,
  labels: Labels,
  paths: RequestPaths,
  options: RequestOptions,
  wanted: EntityFilter,
  onRow: (row: number) => void,
): Promise<Requests> {
  const requests = await duck.table(REQUEST_COLUMNS);
  const { results } = options;
  const hashOf = createEntityHash();
  const problems = createLabelProblems(options.labelsPath);
  /** Features are null here. */
  const asked = createWorkspace(plan.service.slotCount);
  let rows = 0;
  let earliestMs = Infinity;
  let latestMs = -Infinity;

  function request(label: LabelRow): void {
    rows += 1;
    earliestMs = Math.min(earliestMs, label.asOfMs);
    latestMs = Math.max(latestMs, label.asOfMs);
    fillRequest(asked, label.request, plan.service.asOfSlot, label.asOfMs);
    for (const appearance of plan.appearances.values()) {
      const found = wantedOf(appearance, asked.row);
      if (found !== 'error' && found.entity !== null) {
        const { entity } = found;
        const { index: lane } = appearance.lane;
        const hash = hashOf(entity);
        wanted.add(lane, hash);
        const heldMs = options.completeFromMs(appearance.lane, entity);
        requests.push([bucketOf(hash), lane, entity, label.asOfMs, label.row, appearance.index, heldMs]);
        continue;
      }
      const evaluation =
        found === 'error' ? failed(appearance) : evaluateFeatures(appearance.plan, null, label.asOfMs, null);
      for (const known of options.knowledges) {
        results.add(known, label.row, appearance.index, evaluation, label.asOfMs);
      }
    }
  }

  for await (const some of readLabelRows(duck, paths.labels, labels, plan.service, options.sample)) {
    onRow(some.at(-1)?.row ?? 0);
    for (const label of some) {
      if (isProblem(label)) problems.add(label);
      else request(label);
    }
  }
  problems.refuse();
  requests.end();
  const query = inBuckets(requests, requests.rows, options.partEvents);
  await writeParquet(duck, query, paths.requests, { compression: 'snappy' });
  await results.write();
  await requests.drop();
  return rows === 0 ? { rows, earliestMs: null, latestMs: null } : { rows, earliestMs, latestMs };
}

function failed({ plan }: TrainAppearance): Features {
  return { values: plan.nulls, statuses: plan.view.features.map((): Status => 'ERROR') };
}

export interface LabelProblems {
  add(problem: LabelProblem): void;
  /** Throws `labels_invalid` if there are any. */
  refuse(): void;
}

export function createLabelProblems(path: string): LabelProblems {
  const told: LabelProblem[] = [];
  let faulty = 0;
  return {
    add(problem) {
      faulty += 1;
      if (told.length < PROBLEMS_TOLD_MAX) told.push(problem);
    },
    refuse() {
      if (faulty === 0) return;
      const lines = told.map(({ row, message }) => `${path}, row ${row + 1}: ${message}`);
      const more = faulty > told.length ? [`… and ${faulty - told.length} more`] : [];
      const mend = 'no request can be made of these rows, and none was evaluated: mend them or leave them out';
      throw new SkewlessError('labels_invalid', [...lines, ...more, mend].join('\n'));
    },
  };
}
