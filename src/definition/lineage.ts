/**
 * What comes from what: a graph from topics over fields, columns, views and features to services, computed from the definitions
 * alone. It is column-accurate: each edge is a column that an expression names, or what holds a thing as a whole, so a change
 * of one field's value can change another node's only where a path leads from the one to the other.
 */
import { formatType } from '../core/value.ts';
import type { FieldType } from '../core/value.ts';
import { formatDuration } from '../core/time.ts';
import type {
  Definitions,
  FeatureDefinition,
  ServiceDefinition,
  ServiceFeature,
  SourceDefinition,
  ViewDefinition,
} from './definition.ts';
import { readsOf } from './feature-reads.ts';

export const NODE_KINDS = [
  'topic',
  'source',
  'field',
  'column',
  'view',
  'key',
  'feature',
  'request',
  'served',
  'derived',
  'service',
  'reader',
] as const;
export type NodeKind = (typeof NODE_KINDS)[number];

/**
 * `value`: what is computed with. `filter`, `key`, `time`: what decides whether, for whom and when an event counts. `events`: the
 * records as a whole. `holds`: a part of it. `reads`: who has asked for it. `may_read`: who
 * has a key for it.
 */
export const EDGE_KINDS = ['value', 'filter', 'key', 'time', 'events', 'holds', 'reads', 'may_read'] as const;
export type EdgeKind = (typeof EDGE_KINDS)[number];

export interface LineageNode {
  /** `<kind>:<name>`, stable: `field:flights.dep_delay`, `feature:airport_delay@1.delay_mean_1h`. */
  readonly id: string;
  readonly kind: NodeKind;
  /** Within what it is part of. */
  readonly name: string;
  /** As definitions write it; null where it holds no value. */
  readonly type: string | null;
  /** The expression, the path in the record or the aggregation that it is; null where it is none. */
  readonly detail: string | null;
  readonly description: string;
  /** Its own, or that of what it is part of. */
  readonly owner: string;
  readonly tags: readonly string[];
  /** The day it is given up; null: it is not. */
  readonly deprecated: string | null;
}

export interface LineageEdge {
  readonly from: string;
  readonly to: string;
  readonly kind: EdgeKind;
}

export interface Lineage {
  readonly nodes: ReadonlyMap<string, LineageNode>;
  readonly edges: readonly LineageEdge[];
}

type Defined = Pick<Definitions, 'sources' | 'views' | 'services'>;
type Texts = Partial<Pick<LineageNode, 'type' | 'detail' | 'description' | 'owner' | 'tags' | 'deprecated'>>;

const NOTHING = { type: null, detail: null, description: '', owner: '', tags: [], deprecated: null } as const;

interface Builder {
  node(kind: NodeKind, name: string, place: string, texts?: Texts): string;
  edge(from: string, to: string, kind: EdgeKind): void;
}

/** Of a part of the definitions, what is behind it must be there, too. */
export function lineageOf({ sources, views, services }: Defined): Lineage {
  const nodes = new Map<string, LineageNode>();
  const edges = new Map<string, LineageEdge>();
  const builder: Builder = {
    node(kind, name, place, texts = {}) {
      const id = `${kind}:${place}`;
      const known = nodes.get(id);
      if (known === undefined) {
        nodes.set(id, { id, kind, name, ...NOTHING, ...texts });
      }
      return id;
    },
    edge(from, to, kind) {
      edges.set(`${from}\n${to}\n${kind}`, { from, to, kind });
    },
  };
  for (const source of sources.values()) addSource(builder, source);
  for (const view of views.values()) addView(builder, view);
  for (const service of services.values()) addService(builder, service);
  return { nodes, edges: [...edges.values()] };
}

function addSource({ node, edge }: Builder, source: SourceDefinition): void {
  const { name, topic, description, owner, tags, fields, derived } = source;
  const id = node('source', name, name, { description, owner, tags });
  edge(node('topic', topic, topic), id, 'holds');
  for (const field of fields) {
    const detail = field.path.join('.');
    edge(id, node('field', field.name, `${name}.${field.name}`, { type: typeOf(field), detail, owner }), 'holds');
  }
  for (const column of derived) {
    const { text: detail, columns } = column.expression;
    const to = node('column', column.name, `${name}.${column.name}`, { type: typeOf(column), detail, owner });
    for (const used of columns) edge(columnId(source, used), to, 'value');
  }
}

/** The node of a source's column, whether it is in the records or derived. */
export function columnId({ name, derived }: SourceDefinition, column: string): string {
  const kind = derived.some((each) => each.name === column) ? 'column' : 'field';
  return `${kind}:${name}.${column}`;
}

export function featureId(view: Pick<ViewDefinition, 'id'>, feature: Pick<FeatureDefinition, 'name'>): string {
  return `feature:${view.id}.${feature.name}`;
}

function addView({ node, edge }: Builder, view: ViewDefinition): void {
  const { source, owner, description, tags, where, entity } = view;
  const deprecated = view.deprecated?.on ?? null;
  const id = node('view', view.name, view.id, { description, owner, tags, deprecated, detail: where?.text ?? null });
  edge(`source:${source.name}`, id, 'events');
  edge(columnId(source, source.eventTime), id, 'time');
  if (source.eventId !== null) edge(columnId(source, source.eventId), id, 'filter');
  for (const used of where?.columns ?? []) edge(columnId(source, used), id, 'filter');
  for (const [index, { name, type }] of entity.keys.entries()) {
    const key = node('key', name, `${view.id}.${name}`, { type, detail: entity.name, owner });
    edge(columnId(source, view.keyColumns[index] ?? name), key, 'key');
    edge(key, id, 'key');
  }
  for (const feature of view.features) {
    const reads = readsOf(view, feature);
    const to = node('feature', feature.name, `${view.id}.${feature.name}`, {
      type: typeOf(feature),
      detail: aggregationText(feature),
      description: feature.description,
      owner: feature.owner === '' ? owner : feature.owner,
      tags: feature.tags,
      deprecated: feature.deprecated?.on ?? deprecated,
    });
    edge(id, to, 'events');
    for (const { expression } of reads.of?.members ?? []) {
      for (const used of expression.columns) edge(columnId(source, used), to, 'value');
    }
    for (const used of reads.where?.columns ?? []) edge(columnId(source, used), to, 'filter');
  }
}

function addService({ node, edge }: Builder, service: ServiceDefinition): void {
  const { id: serviceId, owner, description, tags } = service;
  const deprecated = service.deprecated?.on ?? null;
  const id = node('service', service.name, serviceId, { description, owner, tags, deprecated });
  for (const column of service.requestColumns) {
    node('request', column.name, `${serviceId}.${column.name}`, { type: typeOf(column), detail: column.kind, owner });
  }
  const asOf = node('request', 'as_of', `${serviceId}.as_of`, { type: 'timestamp', detail: 'as_of', owner });
  for (const feature of service.features) {
    const { description: prose, tags: own } = feature;
    const until = feature.deprecated?.on ?? null;
    const texts = { type: typeOf(feature), description: prose, owner, tags: own, deprecated: until };
    const place = `${serviceId}.${feature.name}`;
    if (feature.kind === 'derived') {
      const expression = service.derived[feature.derived]?.expression;
      const to = node('derived', feature.name, place, { ...texts, detail: expression?.text ?? null });
      for (const used of expression?.columns ?? []) edge(servedId(service, used), to, 'value');
      edge(to, id, 'holds');
      continue;
    }
    const appearance = service.appearances[feature.appearance];
    const read = appearance?.view.features[feature.feature];
    if (appearance === undefined || read === undefined) continue;
    const from = featureId(appearance.view, read);
    const to = node('served', feature.name, place, texts);
    edge(from, to, 'value');
    edge(asOf, to, 'time');
    for (const used of appearance.keys.flatMap(({ columns }) => columns)) edge(servedId(service, used), to, 'key');
    edge(to, id, 'holds');
  }
}

/** The node of a name that expressions of the service may use. */
export function servedId(service: ServiceDefinition, name: string): string {
  const feature: ServiceFeature | undefined = service.features.find((each) => each.name === name);
  const kind = feature === undefined ? 'request' : feature.kind === 'derived' ? 'derived' : 'served';
  return `${kind}:${service.id}.${name}`;
}

function typeOf({ type, nullable }: FieldType): string {
  return formatType(type, nullable);
}

function aggregationText({ aggregation, window }: FeatureDefinition): string {
  if (window.kind === 'lifetime') return `${aggregation}, lifetime`;
  const ago = window.offsetMs === 0 ? '' : `, ${formatDuration(window.offsetMs)} ago`;
  return `${aggregation}, ${formatDuration(window.lengthMs)}${ago}`;
}
