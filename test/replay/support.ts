/** Training sets as tests make and read them: records in memory as a source's partitions, labels as lines, rows as values. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DuckDBInstance,
  DuckDBListValue,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import { onTestFinished } from 'vitest';
import * as duckdb from '@duckdb/node-api';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import { assert } from '../../src/core/assert.ts';
import { createToJson } from '../../src/core/duckdb.ts';
import type { Value, ValueType } from '../../src/core/value.ts';
import type { Definitions, ServiceDefinition } from '../../src/definition/definition.ts';
import { findVersioned } from '../../src/definition/find.ts';
import type { LogRecord } from '../../src/event/event.ts';
import type { EventReader, ReadRange, TimestampMeaning } from '../../src/replay/event-reader.ts';
import type { Manifest } from '../../src/replay/manifest.ts';
import type { TrainOptions } from '../../src/replay/train-run.ts';
import { train } from '../../src/replay/train.ts';

export function folderForTest(): string {
  const folder = mkdtempSync(join(tmpdir(), 'skewless-train-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface MemoryReaderOptions {
  readonly timestamps?: TimestampMeaning;
  /** Records in a batch. */
  readonly batchRecords?: number;
  readonly ranges?: readonly ReadRange[];
}

/** Partitions are read one after the other, in the order in which the records name them first. */
export function createMemoryReader(records: readonly LogRecord[], options: MemoryReaderOptions = {}): EventReader {
  const byPartition = Map.groupBy(records, ({ partition }) => partition);
  const ranges =
    options.ranges ??
    [...byPartition].map(([partition, some]) => ({
      partition,
      from: Math.min(...some.map(({ offset }) => offset)),
      next: Math.max(...some.map(({ offset }) => offset)) + 1,
      startTimestampMs: some[0]?.timestampMs ?? null,
    }));
  return {
    identity: { memory: records.length },
    schemas: null,
    isPartitioned: true,
    timestamps: () => Promise.resolve(options.timestamps ?? 'append_time'),
    ranges: () => Promise.resolve(ranges),
    async read(wanted, sink, { signal }) {
      for (const { partition, from, next } of wanted) {
        const some = (byPartition.get(partition) ?? []).filter(({ offset }) => offset >= from);
        for (let at = 0; at < some.length; at += options.batchRecords ?? 1_000) {
          signal.throwIfAborted();
          const batch = some.slice(at, at + (options.batchRecords ?? 1_000));
          const nextOffset =
            at + batch.length < some.length ? (batch.at(-1) as LogRecord).offset + 1 : (next as number);
          await sink({ partition, records: batch, rejected: [], nextOffset, share: (at + batch.length) / some.length });
        }
      }
    },
  };
}

export function serviceOf({ services }: Definitions, name = 'scoring'): ServiceDefinition {
  const service = findVersioned(services, name);
  assert(service !== null, `a service ${name}`);
  return service;
}

export interface Trained {
  readonly manifest: Manifest;
  readonly out: string;
  /** In order, by column. */
  readonly rows: readonly Readonly<Record<string, DuckDBValue>>[];
}

export type TrainFor = Partial<Omit<TrainOptions, 'service' | 'readers'>> & {
  readonly service: ServiceDefinition;
  readonly readers: ReadonlyMap<string, EventReader>;
  /** One object a line. */
  readonly labels?: readonly object[];
};

export async function trainFor(options: TrainFor): Promise<Trained> {
  const { manifest, out } = await trainTo(options);
  return { manifest, out, rows: await readRows(out) };
}

/** Without reading the rows. */
export async function trainTo({ labels, ...options }: TrainFor): Promise<Omit<Trained, 'rows'>> {
  const folder = folderForTest();
  const labelsPath = options.labelsPath ?? join(folder, 'labels.jsonl');
  if (labels !== undefined) writeFileSync(labelsPath, labels.map((label) => `${JSON.stringify(label)}\n`).join(''));
  const outPath = options.outPath ?? join(folder, 'train.parquet');
  const manifest = await train({
    aggregations: AGGREGATIONS,
    features: null,
    knowledge: 'event-time',
    positionIndex: null,
    definitionFiles: null,
    sample: 1,
    statuses: true,
    nowMs: 4_000_000_000_000,
    signal: new AbortController().signal,
    onProgress: () => undefined,
    ...options,
    labelsPath,
    outPath,
  });
  return { manifest, out: outPath };
}

export async function readRows(path: string): Promise<readonly Readonly<Record<string, DuckDBValue>>[]> {
  const instance = await DuckDBInstance.create();
  try {
    const connection = await instance.connect();
    return (await connection.runAndReadAll(`SELECT * FROM read_parquet('${path}')`)).getRowObjects();
  } finally {
    instance.closeSync();
  }
}

/** As the engine holds it. */
export function engineValue(type: ValueType, value: DuckDBValue): Value {
  if (value === null) return null;
  switch (type.kind) {
    case 'string':
    case 'bool':
    case 'double':
      return value as string | boolean | number;
    case 'int':
      return Number(value);
    case 'int64':
      return value as bigint;
    case 'timestamp':
      return Number((value as DuckDBTimestampTZValue).micros / 1_000n);
    case 'array':
      return (value as DuckDBListValue).items.map((item) => engineValue(type.element, item));
    case 'struct': {
      const { entries } = value as DuckDBStructValue;
      return Object.fromEntries(
        type.fields.map(({ name, type: member }) => [name, engineValue(member, entries[name] ?? null)]),
      );
    }
  }
}

/** As JSON carries it, and so as serving answers it; an int64 must be within what JSON's numbers hold. */
export const jsonOf: (value: DuckDBValue) => unknown = createToJson(duckdb);
