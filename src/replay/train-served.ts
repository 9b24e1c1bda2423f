/**
 * A training set of what was served: labels with the values that the served log holds for the same request at the same
 * `as_of`, and nothing made again. Labels that nothing was served for, or whose rows were not logged, are left out, and counted.
 */
import type { DuckDBBlobValue } from '@duckdb/node-api';
import { contentHash } from '../core/content-hash.ts';
import { type Status, statusRank } from '../core/status.ts';
import type { FieldType, Value } from '../core/value.ts';
import type { ServicePlan } from '../vector/service.ts';
import type { Json } from '../vector/render.ts';
import { parseServedRow, type ServedRow } from '../vector/served-row.ts';
import type { Duck } from './duck.ts';
import { EntityFilter, createEntityHash } from './entity-filter.ts';
import type { EventReader, ReadRange } from './event-reader.ts';
import { isProblem, readLabelRows } from './label-rows.ts';
import { type Labels, labelsFormat, stageLabels } from './labels.ts';
import { type Manifest, manifestOfService } from './manifest.ts';
import { checkNames } from './output.ts';
import { compileToDuck } from './output-types.ts';
import { createLabelProblems } from './requests.ts';
import { writeTrainingSet } from './train-output.ts';
import { type TrainPlan, planTraining } from './train-plan.ts';
import type { TrainingSetOptions } from './train-run.ts';
import { withDuck } from './train.ts';
import { type Vectors, vectorColumns } from './vectors.ts';
import { openWorkFolder } from './work-folder.ts';

export interface ServedTrainOptions extends TrainingSetOptions {
  /** The served log. */
  readonly served: EventReader;
}

/** What is asked, and what was served for it. */
const WANTED_COLUMNS = [
  { name: 'row', type: 'DOUBLE' },
  { name: 'asked', type: 'VARCHAR' },
] as const;
const FOUND_COLUMNS = [
  { name: 'asked', type: 'VARCHAR' },
  { name: 'served_ms', type: 'DOUBLE' },
  { name: 'partition', type: 'INTEGER' },
  { name: 'position', type: 'DOUBLE' },
  { name: 'content', type: 'BLOB' },
] as const;

/** As `train` does; the work is begun anew each time. */
export async function trainServed(options: ServedTrainOptions): Promise<Manifest> {
  const plan = planTraining(options.service, options.aggregations, options.features);
  labelsFormat(options.labelsPath);
  const labelsHash = await contentHash(options.labelsPath);
  const folder = await openWorkFolder(options.outPath, { served: options.service.fingerprint, labelsHash });
  try {
    return await withDuck(options, await folder.makeFolder('sorting'), async (duck) => {
      const labelsPath = folder.at('labels.parquet');
      const labels = await stageLabels(duck, options.labelsPath, labelsPath, plan.service.definition.requestColumns);
      checkNames(options.labelsPath, labels, plan);
      const ranges = await options.served.ranges();
      const found = await findServed({ options, plan, duck, labels, labelsPath, ranges });
      const { statuses, outPath } = options;
      const output = { duck, plan, labels, labelsPath, vectors: found.vectors, statuses, folder, outPath };
      return writeTrainingSet(output, (written) => ({
        ...manifestOfService(options.service, plan),
        knowledge: 'served',
        labels: { file: options.labelsPath, sha256: labelsHash, rows: labels.rows, sample: options.sample },
        ...written,
        sources: [],
        events: { folded: 0, duplicates: 0, erased: 0 },
        late_data: null,
        served: {
          from: options.served.identity,
          positions: Object.fromEntries(
            ranges.map(({ partition, from, next }) => [partition, { from, next: next ?? from }]),
          ),
          unmatched: found.asked - found.vectors.rows,
        },
      }));
    });
  } finally {
    await folder.remove();
  }
}

interface FindContext {
  readonly options: ServedTrainOptions;
  readonly plan: TrainPlan;
  readonly duck: Duck;
  readonly labels: Labels;
  readonly labelsPath: string;
  readonly ranges: readonly ReadRange[];
}

async function findServed(context: FindContext): Promise<{ readonly asked: number; readonly vectors: Vectors }> {
  const { options, plan, duck } = context;
  const filter = new EntityFilter();
  const hashOf = createEntityHash();
  const wanted = await duck.table(WANTED_COLUMNS);
  const problems = createLabelProblems(options.labelsPath);
  for await (const rows of readLabelRows(duck, context.labelsPath, context.labels, plan.service, options.sample)) {
    for (const label of rows) {
      if (isProblem(label)) {
        problems.add(label);
        continue;
      }
      const asked = askedText(plan.service, label.request, label.asOfMs);
      filter.add(0, hashOf(asked));
      wanted.push([label.row, asked]);
    }
  }
  problems.refuse();
  wanted.end();
  const found = await duck.table(FOUND_COLUMNS);
  const { served, signal, onProgress } = options;
  await served.read(
    context.ranges,
    ({ records, share }) => {
      for (const { partition, offset, value } of records) {
        const row = parseServedRow(value);
        const asked = row === null ? null : askedIn(plan, row);
        if (row === null || value === null || asked === null || !filter.mayHave(0, hashOf(asked))) continue;
        found.push([asked, row.servedMs, partition, offset, duck.duckdb.blobValue(value)]);
      }
      onProgress(share, 'served rows');
      return Promise.resolve();
    },
    { signal, startedMs: 0 },
  );
  found.end();
  // Of what was served for one request several times, the first.
  const query = `SELECT wanted."row", served.content FROM ${wanted.name} AS wanted JOIN (SELECT asked,
      arg_min(content, (served_ms, partition, position)) AS content FROM ${found.name} GROUP BY asked) AS served
    USING (asked) ORDER BY wanted."row"`;
  return { asked: wanted.rows, vectors: await vectorsOf(context, query) };
}

/** Of the request columns as they were parsed, and the time: one text for one request. */
function askedText({ columnWriters }: ServicePlan, request: readonly Value[], asOfMs: number): string {
  return `${asOfMs}${columnWriters.map(({ write }, index) => ` ${write(request[index] ?? null)}`).join('')}`;
}

/** Null: of another service, or without a feature that is wanted. */
function askedIn({ service, selection }: TrainPlan, row: ServedRow): string | null {
  if (row.fingerprint !== service.definition.fingerprint) return null;
  if (!selection.names.every((name) => row.features.includes(name))) return null;
  const parsed = service.parseRow(row.entity);
  return parsed.ok ? askedText(service, parsed.values, row.asOfMs) : null;
}

async function vectorsOf({ options, plan, duck }: FindContext, query: string): Promise<Vectors> {
  const { names, served } = plan.selection;
  const types = served.map((place) => (plan.service.definition.features[place] as FieldType).type);
  const converters = types.map((type) => compileToDuck(duck.duckdb, type));
  const table = await duck.table(vectorColumns(plan, options.statuses));
  const counts = names.map((): Partial<Record<Status, number>> => ({}));
  for await (const rows of duck.stream(query)) {
    options.signal.throwIfAborted();
    for (const [number, content] of rows) {
      const row = parseServedRow((content as DuckDBBlobValue).bytes) as ServedRow;
      const at = names.map((name) => row.features.indexOf(name));
      const values = at.map((place, index) => converters[index]?.(row.values[place] as Json) ?? null);
      const statuses = at.map((place) => row.statuses[place] as Status);
      table.push([number as number, ...values, ...(options.statuses ? statuses.map(statusRank) : [])]);
      for (const [index, status] of statuses.entries()) {
        const count = counts[index] as Partial<Record<Status, number>>;
        count[status] = (count[status] ?? 0) + 1;
      }
    }
  }
  table.end();
  const statuses = Object.fromEntries(names.map((name, index) => [name, counts[index] ?? {}]));
  return { table: table.name, rows: table.rows, statuses, differences: null };
}
