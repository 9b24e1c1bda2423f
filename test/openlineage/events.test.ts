import { expect, onTestFinished, test, vi } from 'vitest';
import { SkewlessError } from '../../src/core/errors.ts';
import type { Dataset, RunEvent } from '../../src/openlineage/event.ts';
import { followMaterializer } from '../../src/openlineage/follow-materializer.ts';
import { FILES, auditJob, trainJob, trainingSet } from '../../src/openlineage/jobs.ts';
import { plainDataset } from '../../src/openlineage/datasets.ts';
import { startRun } from '../../src/openlineage/run.ts';
import { EXAMPLE, load } from '../definition/support.ts';
import { drawnColumns, expectValid, faultsOf, keepingReporter } from './support.ts';

const DEFINITIONS = EXAMPLE.replace(
  '  - name: airport_delay',
  '  - name: airport_delay\n    owner: ops-ml\n    description: How an airport runs.',
);
const LOG = { namespace: 'kafka://broker:9092', prefix: '' };
const STORE = { namespace: 'redis://redis:6379', prefix: 'production/' };
const LABELS = plainDataset(FILES, '/data/labels.parquet');
const typesOf = (events: readonly RunEvent[]): string[] => events.map(({ eventType }) => eventType);

function startFollowing() {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const kept = keepingReporter();
  const state: { mode: string; code?: string; message?: string } = { mode: 'running' };
  const stop = followMaterializer({
    reporter: kept.reporter,
    definitions: load(DEFINITIONS),
    places: { log: LOG, store: STORE },
    status: () => ({ sources: [{ source: 'flights', state }] }),
  });
  const pass = (ms: number): void => {
    kept.nowMs += ms;
    vi.advanceTimersByTime(ms);
  };
  return { ...kept, state, stop, pass, kept };
}

test('a materializer begins a run for each view, says each hour that it goes on, and completes it once', () => {
  const { events, stop, pass } = startFollowing();
  expect(typesOf(events)).toEqual(['START']);
  pass(3_599_000);
  expect(typesOf(events)).toEqual(['START']);
  pass(3_700_000);
  stop();
  stop();
  pass(7_200_000);
  expect(typesOf(events)).toEqual(['START', 'RUNNING', 'COMPLETE']);
  expect(new Set(events.map(({ run }) => run.runId)).size).toBe(1);
  expectValid(events);
  expect(events[0]).toMatchObject({
    producer: 'urn:skewless:1.2.3',
    job: { namespace: 'skewless', name: 'materialize.airport_delay@1' },
    inputs: [{ namespace: 'kafka://broker:9092', name: 'flights' }],
    outputs: [{ namespace: 'redis://redis:6379', name: 'production/airport_delay@1' }],
  });
});

test('a source that gave up fails the runs of its views, with what was wrong', () => {
  const { events, state, stop, pass } = startFollowing();
  Object.assign(state, { mode: 'failed', code: 'log_gap', message: 'records are gone' });
  pass(10_000);
  stop();
  expect(typesOf(events)).toEqual(['START', 'FAIL']);
  expect(events[1]?.run.facets['errorMessage']).toMatchObject({ message: 'records are gone' });
  expectValid(events);
});

test('data sets tell schema, owner, description and which columns each column comes from', () => {
  const { events } = startFollowing();
  const output = events[0]?.outputs[0] as Dataset;
  expect(output.facets['documentation']).toMatchObject({ description: 'How an airport runs.' });
  expect(output.facets['ownership']).toMatchObject({ owners: [{ name: 'ops-ml', type: 'OWNER' }] });
  expect(output.facets['schema']?.['fields']).toContainEqual({ name: 'delay_mean_1h', type: 'double?' });
  expect(events[0]?.inputs[0]?.facets['schema']?.['fields']).toContainEqual({
    name: 'after.dep_delay',
    type: 'double?',
  });
  const from = 'kafka://broker:9092 flights';
  expect(drawnColumns(output).filter((line) => line.startsWith('delay_mean_1h'))).toEqual([
    `delay_mean_1h ← ${from} after.dep_delay: INDIRECT FILTER, DIRECT AGGREGATION`,
    `delay_mean_1h ← ${from} departed_at: INDIRECT WINDOW`,
    `delay_mean_1h ← ${from} origin: INDIRECT GROUP_BY`,
  ]);
});

test('training tells the columns of its set, down to topics and labels', () => {
  const { reporter, events } = keepingReporter();
  const service = load(DEFINITIONS).services.get('departure_delay@1');
  if (service === undefined) throw new Error('the example has a service');
  const run = startRun(reporter, trainJob(reporter.producer, { log: LOG }, LABELS, service));
  const columns = [
    { name: 'scored_at', type: 'TIMESTAMP WITH TIME ZONE', role: 'timestamp' },
    { name: 'label', type: 'DOUBLE', role: 'label' },
    { name: 'delay_mean_1h', type: 'DOUBLE', role: 'feature' },
    { name: 'dest_late_24h', type: 'BIGINT', role: 'feature' },
    { name: 'delay_ratio', type: 'DOUBLE', role: 'feature' },
  ];
  const set = trainingSet(reporter.producer, { log: LOG }, LABELS, service, { path: '/data/train.parquet', columns });
  run.complete([set]);
  expect(typesOf(events)).toEqual(['START', 'COMPLETE']);
  expectValid(events);
  expect(events[1]?.inputs.map(({ namespace, name }) => `${namespace} ${name}`)).toEqual([
    'kafka://broker:9092 flights',
    'file /data/labels.parquet',
  ]);
  const drawn = drawnColumns(set);
  expect(drawn.filter((line) => line.startsWith('dest_late_24h'))).toEqual([
    'dest_late_24h ← kafka://broker:9092 flights after.dep_delay: INDIRECT FILTER',
    'dest_late_24h ← kafka://broker:9092 flights departed_at: INDIRECT WINDOW',
    'dest_late_24h ← kafka://broker:9092 flights origin: INDIRECT GROUP_BY',
    'dest_late_24h ← file /data/labels.parquet scored_at: INDIRECT WINDOW',
    'dest_late_24h ← file /data/labels.parquet dest: INDIRECT GROUP_BY',
  ]);
  expect(drawn).toContain(
    'delay_ratio ← kafka://broker:9092 flights after.dep_delay: INDIRECT FILTER, DIRECT TRANSFORMATION',
  );
  expect(drawn.some((line) => line.startsWith('label'))).toBe(false);
});

test('an audit is a job like any other, and one that fails says why', () => {
  const { reporter, events } = keepingReporter();
  const topics = { served: 'production.served', audits: 'production.audits' };
  const run = startRun(reporter, auditJob(reporter.producer, LOG, 'production', load(DEFINITIONS), topics));
  run.fail(new SkewlessError('unknown_topic', 'there is no topic served'));
  run.complete();
  expect(typesOf(events)).toEqual(['START', 'FAIL']);
  expect(events[0]).toMatchObject({
    job: { name: 'audit.production', facets: { jobType: { jobType: 'AUDIT' } } },
    inputs: [{ name: 'flights' }, { name: 'production.served' }],
    outputs: [{ name: 'production.audits' }],
  });
  expectValid(events);
});

test('what is not as published is noticed', () => {
  const { events } = startFollowing();
  const event = events[0] as RunEvent;
  expect(faultsOf({ ...event, run: { ...event.run, runId: '7' } }).join()).toContain('uuid');
  expect(faultsOf({ ...event, eventType: 'BEGIN' as 'START' }).join()).toContain('allowed values');
  const { columnLineage } = event.outputs[0]?.facets ?? {};
  const bare = { ...columnLineage, fields: { a: {} } } as never;
  const [output] = event.outputs as readonly [Dataset];
  expect(faultsOf({ ...event, outputs: [{ ...output, facets: { columnLineage: bare } }] }).join()).toContain(
    'inputFields',
  );
});
