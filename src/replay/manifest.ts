/** What a training set says of itself: beside it, as JSON, with all that it takes to build it again or to doubt it. */
import type { Status } from '../core/status.ts';
import type { ServiceDefinition } from '../definition/definition.ts';
import type { Counts } from './counts.ts';
import type { FeatureDifferences } from './differences.ts';
import type { KnownBy, Knowledge } from './known-times.ts';
import type { TrainPlan } from './train-plan.ts';

export interface ManifestColumn {
  readonly name: string;
  /** As DuckDB names it. */
  readonly type: string;
  readonly role: 'timestamp' | 'key' | 'input' | 'label' | 'feature' | 'status';
}

export interface ManifestSource {
  readonly name: string;
  /** The topic and where it is, or the files and their contents. */
  readonly from: Readonly<Record<string, unknown>>;
  readonly known_by: KnownBy;
  /** Partition → offsets that were read: `from` to `next`, the second not among them. */
  readonly positions: Readonly<Record<number, { readonly from: number; readonly next: number }>>;
  /** Event time before which history may be missing, by partition; absent where nothing is. */
  readonly complete_from: Readonly<Record<number, string>>;
  readonly records: number;
  readonly erasures: number;
  readonly unreadable: Readonly<Record<string, number>>;
  readonly views: readonly {
    readonly views: readonly string[];
    readonly events: number;
    readonly filtered: number;
    readonly null_key: number;
    readonly rejected: Readonly<Record<string, number>>;
  }[];
}

export interface Manifest {
  readonly format: 1;
  readonly service: string;
  readonly fingerprint: string;
  readonly views: readonly {
    readonly view: string;
    readonly state_fingerprint: string;
    readonly read_fingerprint: string;
  }[];
  /** `served`: values are those that were served, and none was made again. */
  readonly knowledge: Knowledge | 'served';
  readonly labels: { readonly file: string; readonly sha256: string; readonly rows: number; readonly sample: number };
  readonly rows: number;
  /** Of the Parquet file: another content is not what this manifest speaks of. */
  readonly sha256: string;
  readonly columns: readonly ManifestColumn[];
  /** By feature: how many rows have each status. */
  readonly statuses: Readonly<Record<string, Partial<Record<Status, number>>>>;
  readonly sources: readonly ManifestSource[];
  /** Of entities that labels ask for. */
  readonly events: { readonly folded: number; readonly duplicates: number; readonly erased: number };
  /** By feature: what was true against what was known. Null with `event-time`. */
  readonly late_data: readonly Readonly<Record<string, unknown>>[] | null;
  /** Where served values are from, and how many labels there were none for, which are left out. Null where none were used. */
  readonly served: {
    readonly from: Readonly<Record<string, unknown>>;
    readonly positions: Readonly<Record<number, { readonly from: number; readonly next: number }>>;
    readonly unmatched: number;
  } | null;
}

export function manifestOfService(
  service: ServiceDefinition,
  { appearances }: TrainPlan,
): Pick<Manifest, 'format' | 'service' | 'fingerprint' | 'views'> {
  const views = new Map([...appearances.values()].map(({ view }) => [view.id, view]));
  return {
    format: 1,
    service: service.id,
    fingerprint: service.fingerprint,
    views: [...views.values()].map((view) => ({
      view: view.id,
      state_fingerprint: view.stateFingerprint,
      read_fingerprint: view.readFingerprint,
    })),
  };
}

export function manifestOfCounts({ records, erasures, unreadable, lanes }: Counts) {
  return {
    records,
    erasures,
    unreadable,
    views: lanes.map(({ views, events, filtered, nullKey, rejected }) => ({
      views,
      events,
      filtered,
      null_key: nullKey,
      rejected,
    })),
  };
}

export function manifestOfDifferences(found: readonly FeatureDifferences[]): NonNullable<Manifest['late_data']> {
  return found.map(({ feature, rows, differing, missing, extra, meanDifference, largestDifference }) => ({
    feature,
    rows,
    differing,
    missing,
    extra,
    mean_difference: meanDifference,
    largest_difference: largestDifference,
  }));
}

/** `train.parquet` → `train.manifest.json`. */
export function manifestPath(outPath: string): string {
  return `${outPath.replace(/\.parquet$/i, '')}.manifest.json`;
}
