/** One run of a job, told as it goes. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { formatTimestamp } from '../core/time.ts';
import type { Emitter } from './emitter.ts';
import { type Dataset, type EventType, facet, runEvent } from './event.ts';

/** Whom it is told to, and by whom. */
export interface Reporter {
  readonly emitter: Emitter;
  readonly producer: string;
  readonly version: string;
  readonly clock: Clock;
}

export interface Job {
  /** `materialize`, `train` or `audit`. */
  readonly kind: string;
  /** Of what, such as `departure_delay@1`. */
  readonly subject: string;
  readonly streaming: boolean;
  readonly description: string;
  readonly owner: string;
  readonly inputs: readonly Dataset[];
  readonly outputs: readonly Dataset[];
}

/** Begun by `startRun`; it ends once, by `complete` or `fail`, and what comes after that says nothing. */
export interface JobRun {
  running(): void;
  /** `outputs`: what was written, where that was not known at the start. */
  complete(outputs?: readonly Dataset[]): void;
  fail(error: unknown): void;
}

export function startRun({ emitter, producer, version, clock }: Reporter, job: Job): JobRun {
  const runId = randomUUID();
  const engine = facet(producer, 'processing_engine', { version, name: 'skewless' });
  const facets = jobFacets(producer, job);
  let ended = false;
  const tell = (eventType: EventType, outputs = job.outputs, more: object = {}): void => {
    if (ended) return;
    ended = eventType === 'COMPLETE' || eventType === 'FAIL';
    emitter.emit(
      runEvent({
        eventType,
        eventTime: formatTimestamp(clock.nowMs()),
        producer,
        run: { runId, facets: { processing_engine: engine, ...more } },
        job: { namespace: 'skewless', name: `${job.kind}.${job.subject}`, facets },
        inputs: job.inputs,
        outputs,
      }),
    );
  };
  tell('START');
  return {
    running: () => tell('RUNNING'),
    complete: (outputs) => tell('COMPLETE', outputs),
    fail(error) {
      const content = { message: messageOf(error), programmingLanguage: 'TypeScript' };
      tell('FAIL', job.outputs, { errorMessage: facet(producer, 'errorMessage', content) });
    },
  };
}

function jobFacets(producer: string, { kind, streaming, description, owner }: Job) {
  const jobType = facet(producer, 'jobType', {
    processingType: streaming ? 'STREAMING' : 'BATCH',
    integration: 'SKEWLESS',
    jobType: kind.toUpperCase(),
  });
  return {
    jobType,
    ...(description === '' ? {} : { documentation: facet(producer, 'jobDocumentation', { description }) }),
    ...(owner === '' ? {} : { ownership: facet(producer, 'jobOwnership', { owners: [{ name: owner }] }) }),
  };
}
