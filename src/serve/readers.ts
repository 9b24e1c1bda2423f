/**
 * Who reads what: requests for vectors by key and service, since the process started. A key is told by its name, never by its
 * text; keys of one name are one reader. The metrics keep these counts across restarts, for whoever scrapes them.
 */
import type { ApiKey } from './access/key-ring.ts';
import type { ReaderReport } from './metrics-sink.ts';

/** Who asks where nobody is asked for a key. */
export const ANONYMOUS = 'anonymous';
/** What is counted together once there are too many to be kept apart. */
const OTHERS = 'others';
/** Pairs of a key and a service that are counted apart. */
export const READINGS_MAX = 1_000;

interface Counter {
  readonly reader: string;
  requests: number;
  lastMs: number;
}

export interface Readers {
  /** One request of the key (null: nobody was asked for one) for vectors of the service. */
  count(key: ApiKey | null, service: string, nowMs: number): void;
  /** By service and reader, in their order. */
  report(): readonly ReaderReport[];
}

export function createReaders(): Readers {
  /** By service, then by id of the key. */
  const services = new Map<string, Map<string, Counter>>();
  let kept = 0;
  const add = (service: string, id: string, reader: string): Counter => {
    const readers = services.get(service) ?? new Map<string, Counter>();
    services.set(service, readers);
    const counter = { reader, requests: 0, lastMs: 0 };
    readers.set(id, counter);
    return counter;
  };
  const others = (service: string): Counter => services.get(service)?.get(OTHERS) ?? add(service, OTHERS, OTHERS);
  return {
    count(key, service, nowMs) {
      const id = key?.id ?? ANONYMOUS;
      let counter = services.get(service)?.get(id);
      if (counter === undefined) {
        counter = kept < READINGS_MAX ? add(service, id, key?.name ?? ANONYMOUS) : others(service);
        if (counter.reader !== OTHERS) kept++;
      }
      counter.requests++;
      counter.lastMs = nowMs;
    },
    report: () => [...services].flatMap(([service, readers]) => merge(service, readers.values())),
  };
}

/** By the name of the key: an old and a new key of one client are one reader. */
function merge(service: string, counters: Iterable<Counter>): readonly ReaderReport[] {
  const byName = new Map<string, ReaderReport>();
  for (const { reader, requests, lastMs } of counters) {
    const before = byName.get(reader);
    byName.set(reader, {
      service,
      reader,
      requests: requests + (before?.requests ?? 0),
      lastMs: Math.max(lastMs, before?.lastMs ?? 0),
    });
  }
  return [...byName.values()].toSorted((a, b) => (a.reader < b.reader ? -1 : 1));
}
