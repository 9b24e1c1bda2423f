/** `--openlineage`: where commands tell of their runs. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type LogLocation, type StoreLocation, parseOpenLineage } from '../flag-values.ts';
import { systemClock } from '../core/clock.ts';
import type { Place } from '../openlineage/datasets.ts';
import { type EmitterReport, type Sink, createEmitter } from '../openlineage/emitter.ts';
import { producerOf } from '../openlineage/event.ts';
import type { OpenLineageLocation } from '../openlineage/location.ts';
import type { Reporter } from '../openlineage/run.ts';
import { fileSink, httpSink, topicSink } from '../openlineage/sinks.ts';
import { type SecurityFlags, openLog } from './connect.ts';
import { VERSION } from './version.ts';

export function addOpenLineageFlag(command: Command): Command {
  return command.option(
    '--openlineage <where>',
    'tell of runs as OpenLineage events: file:PATH, http(s)://host[/path], or kafka://host:port/topic (default: nobody)',
    parseOpenLineage,
  );
}

export interface OpenReporter extends Reporter {
  report(): EmitterReport;
  close(): Promise<void>;
}

export async function openReporter(
  location: OpenLineageLocation,
  security: SecurityFlags,
  onWarning: (message: string) => void,
): Promise<OpenReporter> {
  const emitter = createEmitter(await openSink(location, security, onWarning), onWarning);
  return {
    emitter,
    producer: producerOf(VERSION),
    version: VERSION,
    clock: systemClock,
    report: emitter.report,
    close: emitter.close,
  };
}

async function openSink(
  location: OpenLineageLocation,
  security: SecurityFlags,
  onWarning: (message: string) => void,
): Promise<Sink> {
  switch (location.kind) {
    case 'file':
      return fileSink(location.path);
    case 'http':
      return httpSink(location.url);
    case 'kafka': {
      const { brokers, topic } = location;
      return topicSink(await openLog({ kind: 'kafka', brokers }, security, onWarning), topic);
    }
  }
}

/** As OpenLineage names data sets: of Kafka the first broker; of a file its path, before the topic's name. */
export function placeOfLog(location: LogLocation): Place {
  if (location.kind === 'sqlite') return { namespace: 'file', prefix: `${resolve(location.file)}/` };
  return { namespace: `kafka://${location.brokers[0] ?? ''}`, prefix: '' };
}

export function placeOfStore(location: StoreLocation, namespace: string): Place {
  if (location.kind === 'sqlite') return { namespace: 'file', prefix: `${resolve(location.file)}/${namespace}/` };
  const { redis } = location;
  const node = redis.mode === 'standalone' ? redis.node : redis.nodes[0];
  return { namespace: `redis://${node?.host ?? ''}:${node?.port ?? ''}`, prefix: `${namespace}/` };
}
