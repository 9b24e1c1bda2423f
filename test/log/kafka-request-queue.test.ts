/** What kafkajs does with requests that must wait, once its queues rest. */
import { createRequire } from 'node:module';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { restRequestQueues } from '../../src/log/kafka-request-queue.ts';

interface Queue {
  push(request: object): void;
  maybeThrottle(ms: number): void;
  checkPendingRequests(): void;
}

const RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue/index.js') as new (
  options: object,
) => Queue;

beforeEach(() => {
  restRequestQueues();
  vi.useFakeTimers();
});
afterEach(() => void vi.useRealTimers());

function openQueue(): { queue: Queue; sent: number[]; push: (correlationId: number) => void } {
  const logger = { debug: () => undefined };
  const queue = new RequestQueue({
    maxInFlightRequests: null,
    requestTimeout: 1_000,
    enforceRequestTimeout: false,
    clientId: 'test',
    broker: 'localhost:9092',
    logger,
  });
  const sent: number[] = [];
  const push = (correlationId: number): void =>
    queue.push({
      entry: { correlationId, apiKey: 3, apiVersion: 1, apiName: 'Metadata', resolve: () => undefined },
      expectResponse: false,
      requestTimeout: 1_000,
      sendRequest: () => void sent.push(correlationId),
    });
  return { queue, sent, push };
}

test('a queue in which nothing waits sets no timer', () => {
  const { queue, sent, push } = openQueue();
  queue.checkPendingRequests();
  push(1);
  expect([sent, vi.getTimerCount()]).toEqual([[1], 0]);
});

test('what Kafka asked to be held back is sent when its time has come, in order, and then there is no timer', () => {
  const { queue, sent, push } = openQueue();
  queue.maybeThrottle(50);
  push(1);
  push(2);
  vi.advanceTimersByTime(49);
  expect(sent).toEqual([]);
  vi.advanceTimersByTime(20);
  expect([sent, vi.getTimerCount()]).toEqual([[1, 2], 0]);
});
