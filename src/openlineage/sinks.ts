/** Where events go: a file of JSON lines, an HTTP endpoint, or a topic. */
import { writeFile } from 'node:fs/promises';
import { SkewlessError } from '../core/errors.ts';
import type { Log } from '../log/log.ts';
import type { Sink } from './emitter.ts';

export function fileSink(path: string): Sink {
  return {
    send: (event, signal) => writeFile(path, `${JSON.stringify(event)}\n`, { flag: 'a', signal }),
    close: () => Promise.resolve(),
  };
}

export function httpSink(url: string): Sink {
  return {
    async send(event, signal) {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(event), signal });
      await response.body?.cancel();
      if (!response.ok) throw new SkewlessError('openlineage_refused', `the endpoint answered ${response.status}`);
    },
    close: () => Promise.resolve(),
  };
}

/** Events of one job stay in order: their key is its name. The log is closed with the sink. */
export function topicSink(log: Log, topic: string): Sink {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  return {
    async send(event) {
      const record = { key: bytes(event.job.name), value: bytes(JSON.stringify(event)), timestampMs: null };
      await log.append(topic, [record]);
    },
    close: () => log.close(),
  };
}
