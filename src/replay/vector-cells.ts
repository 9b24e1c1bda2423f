/** What a training set keeps of evaluations: the features that are read, as vectors hold them, and their way back into rows. */
import { assert } from '../core/assert.ts';
import { type Status, statusRank } from '../core/status.ts';
import type { FieldType, Value } from '../core/value.ts';
import { type Workspace, computeDerived, createWorkspace } from '../vector/derived.ts';
import type { ViewFeaturePlan } from '../vector/feature-plan.ts';
import { isEventTime } from '../vector/fragment.ts';
import { type CellsCodec, compileCellsCodec } from './evaluation-codec.ts';
import type { EvaluationWriter, ResultBlock } from './results.ts';
import type { TrainPlan } from './train-plan.ts';

/** Of one appearance. */
interface Cells {
  readonly appearance: number;
  readonly features: readonly ViewFeaturePlan[];
  readonly codec: CellsCodec;
  /** Of one evaluation after another, aligned with the features. */
  readonly values: Value[];
  readonly ranks: number[];
}

function cellsOf({ service, selection }: TrainPlan, appearance: number): Cells {
  const features = selection.read.flatMap((place) => {
    const feature = service.features[place];
    return feature?.kind === 'view' && feature.appearance === appearance ? [feature] : [];
  });
  const types = features.map(({ place }) => (service.definition.features[place] as FieldType).type);
  return { appearance, features, codec: compileCellsCodec(types), values: [], ranks: [] };
}

export function compileCellsWriter(plan: TrainPlan): EvaluationWriter {
  const all = new Map([...plan.appearances.keys()].map((appearance) => [appearance, cellsOf(plan, appearance)]));
  return (writer, appearance, evaluation, asOfMs) => {
    const { features, codec, values, ranks } = all.get(appearance) as Cells;
    for (let index = 0; index < features.length; index++) {
      const feature = features[index] as ViewFeaturePlan;
      const value = evaluation.values[feature.feature] ?? null;
      values[index] = isEventTime(feature, evaluation) ? asOfMs - (value as number) : value;
      ranks[index] = statusRank(evaluation.statuses[feature.feature] as Status);
    }
    codec.write(writer, values, ranks);
  };
}

export interface RowReader {
  /** Of the row read last; its request columns are the caller's. */
  readonly work: Workspace;
  /** Evaluated and derived features. */
  read(block: ResultBlock, row: number): void;
}

/** `known`: what evaluations are of. */
export function compileRowReader(plan: TrainPlan, known: number): RowReader {
  const { service, selection } = plan;
  const all = [...plan.appearances.keys()].map((appearance) => cellsOf(plan, appearance));
  const work = createWorkspace(service.slotCount);
  return {
    work,
    read(block, row) {
      for (const { appearance, features, codec, values, ranks } of all) {
        const bytes = block.find(row, known, appearance);
        assert(bytes !== null, 'every appearance was evaluated for every row');
        codec.read(bytes, values, ranks);
        for (let index = 0; index < features.length; index++) {
          const { slot, place } = features[index] as ViewFeaturePlan;
          work.row[slot] = values[index] as Value;
          work.ranks[place] = ranks[index] as number;
        }
      }
      for (const feature of selection.computed) computeDerived(feature, work);
    },
  };
}
