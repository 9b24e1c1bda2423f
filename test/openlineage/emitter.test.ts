import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { type Emitter, EMITTER_BOUNDS, type Sink, createEmitter } from '../../src/openlineage/emitter.ts';
import { type RunEvent, runEvent } from '../../src/openlineage/event.ts';
import { fileSink, httpSink, topicSink } from '../../src/openlineage/sinks.ts';
import { systemClock } from '../../src/core/clock.ts';
import { openSqliteLog } from '../../src/log/sqlite.ts';

const event = (name: string): RunEvent =>
  runEvent({
    eventType: 'START',
    eventTime: '2024-01-31T00:00:00.000Z',
    producer: 'urn:skewless:1',
    run: { runId: '00000000-0000-4000-8000-000000000000', facets: {} },
    job: { namespace: 'skewless', name, facets: {} },
    inputs: [],
    outputs: [],
  });

function emitterOver(send: Sink['send'], bounds = {}): { readonly emitter: Emitter; readonly warnings: string[] } {
  const warnings: string[] = [];
  const sink = { send, close: () => Promise.resolve() };
  const emitter = createEmitter(sink, (message) => warnings.push(message), { ...EMITTER_BOUNDS, ...bounds });
  onTestFinished(() => emitter.close());
  return { emitter, warnings };
}

test('events leave one after the other, in order, and all of them before it is closed', async () => {
  const seen: string[] = [];
  const { emitter } = emitterOver(async ({ job }) => {
    await delay(1);
    seen.push(job.name);
  });
  for (const name of ['a', 'b', 'c']) emitter.emit(event(name));
  await emitter.close();
  expect(seen).toEqual(['a', 'b', 'c']);
  expect(emitter.report()).toEqual({ sent: 3, failed: 0, dropped: 0 });
});

test('what refuses harms nobody: it is counted, and warned of once until it goes well again', async () => {
  let refuses = true;
  const { emitter, warnings } = emitterOver(() => (refuses ? Promise.reject(new Error('go away')) : Promise.resolve()));
  for (const name of ['a', 'b']) emitter.emit(event(name));
  await delay(5);
  refuses = false;
  emitter.emit(event('c'));
  await delay(5);
  refuses = true;
  emitter.emit(event('d'));
  await emitter.close();
  expect(emitter.report()).toEqual({ sent: 1, failed: 3, dropped: 0 });
  expect(warnings).toHaveLength(2);
  expect(warnings[0]).toContain('go away');
});

test('what hangs is given up, and what does not fit the queue is dropped and counted', async () => {
  const { emitter } = emitterOver(() => new Promise(() => {}), { queueMax: 2, sendMs: 20 });
  for (const name of ['a', 'b', 'c', 'd', 'e']) emitter.emit(event(name));
  expect(emitter.report().dropped).toBe(2);
  await emitter.close();
  expect(emitter.report()).toEqual({ sent: 0, failed: 3, dropped: 2 });
});

test('closing waits no longer than it may, and counts what was left', async () => {
  const { emitter, warnings } = emitterOver(() => new Promise(() => {}), { closeMs: 10, sendMs: 60_000 });
  for (const name of ['a', 'b', 'c']) emitter.emit(event(name));
  await emitter.close();
  expect(emitter.report()).toEqual({ sent: 0, failed: 0, dropped: 2 });
  expect(warnings.join()).toContain('2 events were not delivered');
});

test('a file takes a line an event, after what it holds', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'skewless-openlineage-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const sink = fileSink(join(folder, 'events.jsonl'));
  for (const name of ['a', 'b']) await sink.send(event(name), AbortSignal.timeout(1_000));
  const lines = readFileSync(join(folder, 'events.jsonl'), 'utf8').trimEnd().split('\n');
  expect(lines.map((line) => (JSON.parse(line) as RunEvent).job.name)).toEqual(['a', 'b']);
});

test('an endpoint is sent JSON by POST, and one that refuses is a fault', async () => {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    request
      .setEncoding('utf8')
      .on('data', (chunk: string) => bodies.push(`${request.method} ${request.headers['content-type']} ${chunk}`));
    request.on('end', () => response.writeHead(request.url === '/no' ? 500 : 201).end('ok'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await httpSink(`${base}/api/v1/lineage`).send(event('a'), AbortSignal.timeout(5_000));
  expect(bodies).toEqual([`POST application/json ${JSON.stringify(event('a'))}`]);
  await expect(httpSink(`${base}/no`).send(event('b'), AbortSignal.timeout(5_000))).rejects.toThrow('answered 500');
});

test('a topic takes a record an event, keyed by the job, so that events of a job stay in order', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'skewless-openlineage-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const log = await openSqliteLog({ file: join(folder, 'log.sqlite'), clock: systemClock });
  await log.ensureTopic('lineage', 1);
  const sink = topicSink(log, 'lineage');
  await sink.send(event('train.a@1'), AbortSignal.timeout(1_000));
  const [record] = await log.read('lineage', 0, 0, 10);
  expect(Buffer.from(record?.key ?? []).toString()).toBe('train.a@1');
  expect(JSON.parse(Buffer.from(record?.value ?? []).toString())).toEqual(event('train.a@1'));
  await sink.close();
});
