/**
 * Run events of OpenLineage 2-0-2 and the facets that are sent with them, as its published JSON schemas say. Shapes and constants
 * alone: what is in them is made in datasets.ts and run.ts.
 */

const SPEC = 'https://openlineage.io/spec';
const RUN_EVENT = `${SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent`;

export type EventType = 'START' | 'RUNNING' | 'COMPLETE' | 'FAIL';

/** One fact, with who says it and by which schema. */
export interface Facet {
  readonly _producer: string;
  readonly _schemaURL: string;
  readonly [name: string]: unknown;
}

type Facets = Readonly<Record<string, Facet>>;

export interface Dataset {
  /** The system that holds it, such as `kafka://broker:9092`; with the name, its address. */
  readonly namespace: string;
  readonly name: string;
  readonly facets: Facets;
}

export interface RunEvent {
  readonly eventType: EventType;
  readonly eventTime: string;
  readonly producer: string;
  readonly schemaURL: string;
  readonly run: { readonly runId: string; readonly facets: Facets };
  readonly job: { readonly namespace: string; readonly name: string; readonly facets: Facets };
  readonly inputs: readonly Dataset[];
  readonly outputs: readonly Dataset[];
}

/** Name of the facet → version of its schema, and the name of that. */
const FACETS = {
  schema: ['1-2-0', 'SchemaDatasetFacet'],
  columnLineage: ['1-2-0', 'ColumnLineageDatasetFacet'],
  documentation: ['1-1-0', 'DocumentationDatasetFacet'],
  ownership: ['1-0-1', 'OwnershipDatasetFacet'],
  jobDocumentation: ['1-1-0', 'DocumentationJobFacet'],
  jobOwnership: ['1-0-1', 'OwnershipJobFacet'],
  jobType: ['2-0-4', 'JobTypeJobFacet'],
  errorMessage: ['1-0-1', 'ErrorMessageRunFacet'],
  processing_engine: ['1-1-1', 'ProcessingEngineRunFacet'],
} as const;

/** `urn:skewless:0.1.0`. */
export function producerOf(version: string): string {
  return `urn:skewless:${version}`;
}

export function facet(producer: string, kind: keyof typeof FACETS, content: Readonly<Record<string, unknown>>): Facet {
  const [version, name] = FACETS[kind];
  return {
    _producer: producer,
    _schemaURL: `${SPEC}/facets/${version}/${name}.json#/$defs/${name}`,
    ...content,
  };
}

export function runEvent(parts: Omit<RunEvent, 'schemaURL'>): RunEvent {
  return { ...parts, schemaURL: RUN_EVENT };
}
