/** What jobs read and write, as datasets of OpenLineage with schema, owner, description and the lineage of their columns. */
import { formatType } from '../core/value.ts';
import type { ServiceDefinition, SourceDefinition, ViewDefinition } from '../definition/definition.ts';
import { type Lineage, columnId, featureId, lineageOf, servedId } from '../definition/lineage.ts';
import { inputColumnsOf } from './column-lineage.ts';
import { type Dataset, type Facet, facet } from './event.ts';

/** Where something is kept: with a name in it, the address of a dataset. */
export interface Place {
  /** `kafka://broker:9092`, `redis://host:6379`, `file`. */
  readonly namespace: string;
  /** Before each name: the path of the file that holds them all, or nothing. */
  readonly prefix: string;
}

/** A column as a schema facet tells it. */
interface SchemaField {
  readonly name: string;
  readonly type: string;
  readonly description?: string;
}

interface Texts {
  readonly description: string;
  readonly owner: string;
}

/** The topic of a source. Columns are named by their path in the record. */
export function topicDataset(producer: string, place: Place, source: SourceDefinition): Dataset {
  const fields = source.fields.map(({ path, type, nullable }) => ({
    name: path.join('.'),
    type: formatType(type, nullable),
  }));
  return {
    namespace: place.namespace,
    name: place.prefix + source.topic,
    facets: describe(producer, fields, source),
  };
}

/** The states of a view in the store. `prefix` of the place holds the namespace of the deployment. */
export function viewDataset(producer: string, places: { log: Place; store: Place }, view: ViewDefinition): Dataset {
  const lineage = lineageOf({
    sources: new Map([[view.source.name, view.source]]),
    views: new Map([[view.id, view]]),
    services: new Map(),
  });
  const columns = view.features.map((feature) => ({ name: feature.name, id: featureId(view, feature) }));
  const fields = view.features.map(({ name, type, nullable, description }) => ({
    name,
    type: formatType(type, nullable),
    ...(description === '' ? {} : { description }),
  }));
  const addressOf = addressesIn(new Map([[view.source.name, view.source]]), places.log, null);
  return {
    namespace: places.store.namespace,
    name: places.store.prefix + view.id,
    facets: {
      ...describe(producer, fields, view),
      columnLineage: columnLineage(producer, lineage, columns, addressOf),
    },
  };
}

/** A file, or what else has a name and no more. */
export function plainDataset({ namespace, prefix }: Place, name: string): Dataset {
  return { namespace, name: prefix + name, facets: {} };
}

/** Columns of a table of vectors: those of features come from topics, those of requests from `requests`. */
export function vectorsDataset(
  producer: string,
  { address, log, requests, timestamp }: VectorsPlaces,
  service: ServiceDefinition,
  columns: readonly SchemaField[],
): Dataset {
  const { sources, views } = behind(service);
  const lineage = lineageOf({ sources, views, services: new Map([[service.id, service]]) });
  const names = new Set(service.features.map(({ name }) => name));
  const served = columns
    .filter(({ name }) => names.has(name))
    .map(({ name }) => ({ name, id: servedId(service, name) }));
  const addressOf = addressesIn(sources, log, { dataset: requests, timestamp });
  return {
    namespace: address.namespace,
    name: address.name,
    facets: {
      ...describe(producer, columns, service),
      columnLineage: columnLineage(producer, lineage, served, addressOf),
    },
  };
}

export interface VectorsPlaces {
  readonly address: { readonly namespace: string; readonly name: string };
  /** Null: events did not come from topics. */
  readonly log: Place | null;
  /** What holds entity keys, inputs and times. */
  readonly requests: { readonly namespace: string; readonly name: string };
  /** Its column that is the `as_of`. */
  readonly timestamp: string;
}

export function behind(service: ServiceDefinition): {
  readonly sources: ReadonlyMap<string, SourceDefinition>;
  readonly views: ReadonlyMap<string, ViewDefinition>;
} {
  const views = new Map(service.appearances.map(({ view }) => [view.id, view]));
  return { views, sources: new Map([...views.values()].map(({ source }) => [source.name, source])) };
}

/** Of a column of an input; null: what it was read from is not known by an address. */
type AddressOf = (id: string) => { readonly namespace: string; readonly name: string; readonly field: string } | null;

function addressesIn(
  sources: ReadonlyMap<string, SourceDefinition>,
  log: Place | null,
  requests: { readonly dataset: VectorsPlaces['requests']; readonly timestamp: string } | null,
): AddressOf {
  const fields = new Map(
    [...sources.values()].flatMap((source) =>
      log === null
        ? []
        : source.fields.map(({ name, path }) => {
            const address = { namespace: log.namespace, name: log.prefix + source.topic, field: path.join('.') };
            return [columnId(source, name), address] as const;
          }),
    ),
  );
  return (id) => {
    const field = fields.get(id);
    if (field !== undefined) return field;
    if (requests === null || !id.startsWith('request:')) return null;
    const name = id.slice(id.indexOf('.') + 1);
    return { ...requests.dataset, field: name === 'as_of' ? requests.timestamp : name };
  };
}

function columnLineage(
  producer: string,
  lineage: Lineage,
  columns: readonly { readonly name: string; readonly id: string }[],
  addressOf: AddressOf,
): Facet {
  const fields = columns.map(({ name, id }) => {
    const inputFields = inputColumnsOf(lineage, id).flatMap(({ id: input, transformations }) => {
      const address = addressOf(input);
      return address === null ? [] : [{ ...address, transformations }];
    });
    return [name, { inputFields }] as const;
  });
  return facet(producer, 'columnLineage', { fields: Object.fromEntries(fields) });
}

function describe(
  producer: string,
  fields: readonly SchemaField[],
  { description, owner }: Texts,
): Readonly<Record<string, Facet>> {
  return {
    schema: facet(producer, 'schema', { fields }),
    ...(description === '' ? {} : { documentation: facet(producer, 'documentation', { description }) }),
    ...(owner === '' ? {} : { ownership: facet(producer, 'ownership', { owners: [{ name: owner, type: 'OWNER' }] }) }),
  };
}
