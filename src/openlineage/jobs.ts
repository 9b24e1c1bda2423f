/** Jobs of this program: what each of them reads and writes. */
import type { Definitions, ServiceDefinition, ViewDefinition } from '../definition/definition.ts';
import { type Place, behind, plainDataset, topicDataset, vectorsDataset, viewDataset } from './datasets.ts';
import type { Dataset } from './event.ts';
import type { Job } from './run.ts';

/** A view is kept up to date: its source's topic in, its states out. */
export function materializeJob(
  producer: string,
  places: { readonly log: Place; readonly store: Place },
  view: ViewDefinition,
): Job {
  return {
    kind: 'materialize',
    subject: view.id,
    streaming: true,
    description: view.description,
    owner: view.owner,
    inputs: [topicDataset(producer, places.log, view.source)],
    outputs: [viewDataset(producer, places, view)],
  };
}

/** Events that a replay reads: topics, or files by source. */
export type Replayed = { readonly log: Place } | { readonly files: ReadonlyMap<string, readonly string[]> };

/** Labels become a training set, which is told at the end. */
export function trainJob(producer: string, replayed: Replayed, requests: Dataset, service: ServiceDefinition): Job {
  const { sources } = behind(service);
  const events =
    'log' in replayed
      ? [...sources.values()].map((source) => topicDataset(producer, replayed.log, source))
      : [...replayed.files.values()].flat().map((path) => plainDataset(FILES, path));
  return {
    kind: 'train',
    subject: service.id,
    streaming: false,
    description: service.description,
    owner: service.owner,
    inputs: [...distinct(events), requests],
    outputs: [],
  };
}

/** Rows as a deployment served them, held against its sources. */
export function auditJob(
  producer: string,
  log: Place,
  namespace: string,
  { sources }: Pick<Definitions, 'sources'>,
  topics: { readonly served: string; readonly audits: string },
): Job {
  const events = [...sources.values()].map((source) => topicDataset(producer, log, source));
  return {
    kind: 'audit',
    subject: namespace,
    streaming: false,
    description: '',
    owner: '',
    inputs: [...distinct(events), plainDataset(log, topics.served)],
    outputs: [plainDataset(log, topics.audits)],
  };
}

export const FILES: Place = { namespace: 'file', prefix: '' };

/** The training set that was written, as the manifest lists its columns. */
export function trainingSet(
  producer: string,
  replayed: Replayed,
  requests: Dataset,
  service: ServiceDefinition,
  written: {
    readonly path: string;
    readonly columns: readonly { readonly name: string; readonly type: string; readonly role: string }[];
  },
): Dataset {
  const timestamp = written.columns.find(({ role }) => role === 'timestamp')?.name ?? 'timestamp';
  return vectorsDataset(
    producer,
    {
      address: { namespace: FILES.namespace, name: written.path },
      log: 'log' in replayed ? replayed.log : null,
      requests,
      timestamp,
    },
    service,
    written.columns.map(({ name, type }) => ({ name, type })),
  );
}

/** Sources may share a topic. */
function distinct(datasets: readonly Dataset[]): readonly Dataset[] {
  return [...new Map(datasets.map((dataset) => [`${dataset.namespace}\n${dataset.name}`, dataset])).values()];
}
