/** Rows of the served log into a table, and what of the log each must be held against: its receipt, read as a request. */
import { isDeepStrictEqual } from 'node:util';
import type { DuckDBValue } from '@duckdb/node-api';
import { assert } from '../core/assert.ts';
import type { ServiceDefinition } from '../definition/definition.ts';
import type { LogRecord } from '../event/event.ts';
import { isRepartitioned } from '../log/entity-partition.ts';
import { parseReceipt } from '../vector/receipt.ts';
import { type ServedRow, parseServedRow } from '../vector/served-row.ts';
import type { Completeness } from './completeness.ts';
import { type Duck, parquetTable, writeParquet } from './duck.ts';
import type { EntityFilter } from './entity-filter.ts';
import type { EventReader, ReadRange } from './event-reader.ts';
import { type RequestsFile, createRequestsFile } from './requests-file.ts';
import type { TrainAppearance, TrainPlan } from './train-plan.ts';
import { type Check, type PlannedRead, planCheck } from './verify-check.ts';
import type { Seen } from './work-rows.ts';

const SERVED_COLUMNS = [
  { name: 'row', type: 'DOUBLE' },
  { name: 'service', type: 'VARCHAR' },
  { name: 'partition', type: 'INTEGER' },
  { name: 'position', type: 'DOUBLE' },
  { name: 'content', type: 'BLOB' },
] as const;

/** One service as it was served: by name, version and fingerprint. */
export interface ServedService {
  readonly service: string;
  readonly version: number;
  readonly fingerprint: string;
  rows: number;
  firstMs: number;
  lastMs: number;
}

export interface StagedRows {
  readonly path: string;
  readonly services: ReadonlyMap<string, ServedService>;
  readonly rows: number;
  /** Records that are no rows of ours. */
  readonly unreadable: number;
}

/** Which rows are wanted, by when they were served, ms: `fromMs` to `untilMs`, the second not among them. */
export interface ServedTimes {
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface StageContext {
  readonly duck: Duck;
  readonly reader: EventReader;
  readonly ranges: readonly ReadRange[];
  readonly times: ServedTimes;
  readonly signal: AbortSignal;
  readonly onShare: (share: number) => void;
}

/** Writes the rows of the ranges to `path`. */
export async function stageServed(context: StageContext, path: string): Promise<StagedRows> {
  const { duck, reader, ranges, times, signal, onShare } = context;
  const table = await duck.table(SERVED_COLUMNS);
  const services = new Map<string, ServedService>();
  let unreadable = 0;

  function take({ partition, offset, value }: LogRecord): void {
    const row = parseServedRow(value);
    if (row === null || value === null) {
      unreadable += 1;
      return;
    }
    if (row.servedMs < times.fromMs || row.servedMs >= times.untilMs) return;
    count(services, row);
    table.push([table.rows, serviceKey(row), partition, offset, duck.duckdb.blobValue(value)]);
  }

  await reader.read(
    ranges,
    ({ records, share }) => {
      for (const record of records) take(record);
      onShare(share);
      return Promise.resolve();
    },
    { signal, startedMs: 0 },
  );
  table.end();
  // However partitions were read, and whatever came first.
  await writeParquet(
    duck,
    `SELECT (row_number() OVER (ORDER BY partition, position) - 1)::DOUBLE AS "row", * EXCLUDE ("row") FROM ${table.name}`,
    path,
  );
  await table.drop();
  return { path, services, rows: table.rows, unreadable };
}

export function serviceKey({ service, version, fingerprint }: Omit<ServedService, 'rows' | 'firstMs' | 'lastMs'>) {
  return `${service}@${version} ${fingerprint}`;
}

function count(services: Map<string, ServedService>, row: ServedRow): void {
  const { service, version, fingerprint, servedMs } = row;
  const key = serviceKey(row);
  const known = services.get(key) ?? { service, version, fingerprint, rows: 0, firstMs: servedMs, lastMs: servedMs };
  known.rows += 1;
  known.firstMs = Math.min(known.firstMs, servedMs);
  known.lastMs = Math.max(known.lastMs, servedMs);
  services.set(key, known);
}

/** A service whose rows are audited with others, in one replay. */
export interface AuditService {
  readonly key: string;
  readonly definition: ServiceDefinition;
  readonly plan: TrainPlan;
  /** Added to the index of an appearance, it is the number that requests name. */
  readonly base: number;
}

export interface AuditRow {
  readonly row: number;
  readonly service: AuditService;
  readonly partition: number;
  readonly offset: number;
  readonly served: ServedRow;
  /** Or the reason why it cannot be held against anything. */
  readonly check: Check | 'receipt_invalid';
}

/** The rows of these services, in order. */
export async function* readServed(
  duck: Duck,
  path: string,
  services: ReadonlyMap<string, AuditService>,
): AsyncGenerator<AuditRow> {
  for await (const rows of duck.stream(`SELECT * FROM ${parquetTable([path])} ORDER BY "row"`)) {
    for (const cells of rows) {
      const service = services.get(cells[1] as string);
      if (service !== undefined) yield rowOf(cells, service);
    }
  }
}

function rowOf([row, , partition, offset, content]: readonly DuckDBValue[], service: AuditService): AuditRow {
  const served = parseServedRow((content as { readonly bytes: Uint8Array }).bytes);
  assert(served !== null, 'rows that cannot be read were not staged');
  const place = { row: row as number, service, partition: partition as number, offset: offset as number };
  return { ...place, served, check: checkOf(service.plan, served) };
}

/** The receipt must be of the same service, version, time and entity as the row that it came with. */
function checkOf(plan: TrainPlan, served: ServedRow): AuditRow['check'] {
  const parsed = parseReceipt(served.receipt);
  if (!parsed.ok) return 'receipt_invalid';
  const { receipt } = parsed;
  const isItsOwn =
    receipt.service === served.service &&
    receipt.version === served.version &&
    receipt.fingerprint === served.fingerprint &&
    receipt.asOfMs === served.asOfMs;
  if (!isItsOwn) return 'receipt_invalid';
  const { values, features, statuses } = served;
  const check = planCheck(plan, { receipt, values, features, statuses, issues: null });
  if (typeof check === 'string') return 'receipt_invalid';
  const row = plan.service.parseRow(served.entity);
  return row.ok && isDeepStrictEqual(row.values, check.request) ? check : 'receipt_invalid';
}

export interface PlanContext {
  readonly duck: Duck;
  readonly stagedPath: string;
  readonly services: ReadonlyMap<string, AuditService>;
  /** By source: what is read of it. */
  readonly ranges: Readonly<Record<string, readonly ReadRange[]>>;
  readonly completeFromMs: Completeness;
  readonly requestsPath: string;
}

/** What must be evaluated for the rows; fills `wanted`. Answers rows that reach beyond what the log holds, which need another one. */
export async function planServed(context: PlanContext, wanted: EntityFilter): Promise<ReadonlySet<number>> {
  const { duck, stagedPath, services, ranges, requestsPath } = context;
  const requests = await createRequestsFile(requestsPath, wanted);
  const beyond = new Set<number>();
  try {
    for await (const { row, service, check } of readServed(duck, stagedPath, services)) {
      if (check === 'receipt_invalid') continue;
      if (check.reads.some(({ read }) => isBeyond(read, ranges))) beyond.add(row);
      else request(context, requests, row, service, check);
      await requests.settle();
    }
    await requests.write();
  } finally {
    await requests.close();
  }
  return beyond;
}

function request(
  { ranges, completeFromMs }: PlanContext,
  requests: RequestsFile,
  row: number,
  { base }: AuditService,
  { reads, served }: Check,
): void {
  const { asOfMs } = served.receipt;
  for (const { appearance, read } of reads) {
    if (read.kind !== 'entity') continue;
    const { lane, index } = appearance;
    const heldMs = completeFromMs(lane, read.entity);
    const seen = seenOf(appearance, ranges[read.shard.source]?.length ?? 0, read);
    requests.add(lane.index, read.entity, { asOfMs, row, appearance: base + index, heldMs, seen });
  }
}

function isBeyond(read: PlannedRead, ranges: PlanContext['ranges']): boolean {
  if (read.kind !== 'entity') return false;
  const { source, partition, position } = read.shard;
  const ends = new Map((ranges[source] ?? []).map((range) => [range.partition, range.next ?? 0]));
  if (!ends.has(partition)) return true;
  return Object.entries(position).some(([each, next]) => next > (ends.get(Number(each)) ?? 0));
}

/** `sources`: partitions of the source. */
function seenOf(
  { lane, view }: TrainAppearance,
  sources: number,
  { shard }: PlannedRead & { readonly kind: 'entity' },
): Seen {
  const isMoved = isRepartitioned(lane.source, view.keyColumns, sources);
  const partitions = isMoved ? Array.from({ length: sources }, (_none, partition) => partition) : [shard.partition];
  const positions = partitions.map((partition) => ({ partition, next: shard.position[partition] ?? 0 }));
  return { completeMs: shard.completeFromMs, positions };
}
