import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { expect, test } from 'vitest';
import { createTraces } from '../../src/telemetry/traces.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SAMPLED = `00-${TRACE}-00f067aa0ba902b7-01`;
const UNSAMPLED = `00-${TRACE}-00f067aa0ba902b7-00`;
const SHARD = { source: 'orders', entityKey: 'customer', partition: 0 };

function startTraces() {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const traces = createTraces(provider.getTracer('test'), 'kafka');
  const begun = (traceparent?: string) =>
    traces.request('GET', '/v1/x', traceparent === undefined ? {} : { traceparent });
  const run = <T>(span: ReturnType<typeof begun>, work: () => T): Promise<Awaited<T>> =>
    new Promise((resolve, reject) => span.run(() => void Promise.resolve(work()).then(resolve, reject)));
  return { traces, begun, run, spans: () => exporter.getFinishedSpans() };
}

const recordOf = (traceparent: string) => ({ record: { headers: { traceparent: Buffer.from(traceparent) } } });
const spanId = (index: number): string => (index + 1).toString(16).padStart(16, '0');

test('steps nest in their request across awaits, and never in another one', async () => {
  const { traces, begun, run, spans } = startTraces();
  await Promise.all(
    ['a', 'b'].map(async (name) => {
      const request = begun();
      await run(request, async () => {
        await Promise.resolve();
        await traces.step(name, () => traces.store('read', { ...SHARD, source: name }, async () => 1));
      });
      request.end(200);
    }),
  );
  const byName = (name: string) => spans().find((span) => span.name === name);
  for (const read of spans().filter(({ name }) => name === 'store read')) {
    const step = byName(String(read.attributes['skewless.source']));
    expect(read.parentSpanContext?.spanId).toBe(step?.spanContext().spanId);
    expect(read.spanContext().traceId).toBe(step?.spanContext().traceId);
  }
  expect(new Set(spans().map((span) => span.spanContext().traceId)).size).toBe(2);
  expect(spans().length).toBe(6);
});

test('a caller that does not sample gets no spans, and records carry what it sent', async () => {
  const { traces, begun, run, spans } = startTraces();
  const request = begun(UNSAMPLED);
  const received = { traceparent: UNSAMPLED, tracestate: 'vendor=1' };
  const carried = await run(request, () => traces.send('orders', 1, received, async (trace) => trace));
  request.end(200);
  expect([carried, spans()]).toEqual([received, []]);
});

test('what is done for nobody makes no span', async () => {
  const { traces, spans } = startTraces();
  expect(await traces.store('read', SHARD, async () => 'read')).toBe('read');
  expect(traces.step('evaluate', () => 1)).toBe(1);
  const batches = [[], [{ record: {} }], [recordOf(UNSAMPLED)], [recordOf('x')], [recordOf(`${SAMPLED}-more`)]];
  for (const records of batches) expect(await traces.batch('orders', 0, records, async () => 2)).toBe(2);
  expect(spans()).toEqual([]);
});

test('a batch is linked to each span that sent its records once, and to 64 at most', async () => {
  const { traces, spans } = startTraces();
  const few = [0, 1, 0, 1, 1].map((index) => recordOf(`00-${TRACE}-${spanId(index)}-01`));
  await traces.batch('orders', 3, few, () => traces.store('commit', SHARD, async () => 1));
  const many = Array.from({ length: 100 }, (_, index) => recordOf(`00-${TRACE}-${spanId(index)}-01`));
  await traces.batch('orders', 3, many, async () => 1);
  const [commit, first, second] = spans();
  expect(first?.links.map(({ context }) => context.spanId)).toEqual([spanId(0), spanId(1)]);
  expect(first?.attributes).toMatchObject({
    'messaging.destination.partition.id': '3',
    'messaging.batch.message_count': 5,
  });
  expect(commit?.parentSpanContext?.spanId).toBe(first?.spanContext().spanId);
  expect(second?.links.length).toBe(64);
});

test('what fails ends its span as an error that quotes nothing, and fails all the same', async () => {
  const { traces, begun, run, spans } = startTraces();
  const request = begun(SAMPLED);
  const failing = (): never => {
    throw new RangeError('of somebody');
  };
  await expect(run(request, () => traces.store('read', SHARD, async () => failing()))).rejects.toThrow('of somebody');
  await expect(run(request, async () => traces.step('evaluate', failing))).rejects.toThrow('of somebody');
  request.end(503);
  expect(spans().map(({ name, status, attributes }) => [name, status.code, attributes['error.type']])).toEqual([
    ['store read', 2, 'RangeError'],
    ['evaluate', 2, 'RangeError'],
    ['GET /v1/x', 2, '503'],
  ]);
  expect(JSON.stringify(spans().map(({ events, attributes, status }) => [events, attributes, status]))).not.toContain(
    'somebody',
  );
});
