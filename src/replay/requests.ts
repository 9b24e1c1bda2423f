/**
 * From labels to what must be evaluated: for each row and appearance of a view one request, kept by entity. What needs no
 * event (a key that is null, one whose expression fails) is answered here.
 */
import { SkewlessError } from '../core/errors.ts';
import type { Status } from '../core/status.ts';
import { type Features, evaluateFeatures } from '../state/evaluate.ts';
import { createWorkspace } from '../vector/derived.ts';
import { fillRequest } from '../vector/row-text.ts';
import type { Duck } from './duck.ts';
import type { Completeness } from './completeness.ts';
import type { EntityFilter } from './entity-filter.ts';
import { type LabelProblem, type LabelRow, isProblem, readLabelRows, wantedOf } from './label-rows.ts';
import type { Labels } from './labels.ts';
import { type RequestsFile, createRequestsFile } from './requests-file.ts';
import type { Results } from './results.ts';
import type { TrainAppearance, TrainPlan } from './train-plan.ts';

/** Rows at fault that are told one by one. */
const PROBLEMS_TOLD_MAX = 20;

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
  const requests = await createRequestsFile(paths.requests, wanted);
  const problems = createLabelProblems(options.labelsPath);
  const request = createRequester(plan, options, requests);
  let rows = 0;
  let earliestMs = Infinity;
  let latestMs = -Infinity;
  try {
    for await (const some of readLabelRows(duck, paths.labels, labels, plan.service, options.sample)) {
      onRow(some.at(-1)?.row ?? 0);
      for (const label of some) {
        if (isProblem(label)) {
          problems.add(label);
          continue;
        }
        rows += 1;
        earliestMs = Math.min(earliestMs, label.asOfMs);
        latestMs = Math.max(latestMs, label.asOfMs);
        request(label);
      }
      await requests.settle();
    }
    problems.refuse();
    await requests.write();
    await options.results.write();
  } finally {
    await requests.close();
  }
  return rows === 0 ? { rows, earliestMs: null, latestMs: null } : { rows, earliestMs, latestMs };
}

function createRequester(
  plan: TrainPlan,
  { completeFromMs, knowledges, results }: RequestOptions,
  requests: RequestsFile,
): (label: LabelRow) => void {
  /** Features are null here. */
  const asked = createWorkspace(plan.service.slotCount);
  return ({ row, asOfMs, request }) => {
    fillRequest(asked, request, plan.service.asOfSlot, asOfMs);
    for (const appearance of plan.appearances.values()) {
      const { lane, index } = appearance;
      const found = wantedOf(appearance, asked.row);
      if (found !== 'error' && found.entity !== null) {
        const heldMs = completeFromMs(lane, found.entity);
        requests.add(lane.index, found.entity, { asOfMs, row, appearance: index, heldMs, seen: null });
        continue;
      }
      const evaluation = found === 'error' ? failed(appearance) : evaluateFeatures(appearance.plan, null, asOfMs, null);
      for (const known of knowledges) results.add(known, row, index, evaluation, asOfMs);
    }
  };
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
