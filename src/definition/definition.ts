/**
 * Definitions as the rest of the program sees them: checked, compiled, frozen (DESIGN section 4). Nothing here is
 * optional that a reader would have to default again.
 */
import type { FieldType, ScalarKind, Value } from '../core/value.ts';
import type { CompiledExpression } from '../expression/expression.ts';
import type { CatalogTexts, GovernedTexts } from './catalog-texts.ts';
import type { Deprecation } from './deprecation.ts';

export type SourceClock = 'wall' | 'watermark';
export type Partitioner = 'murmur2' | 'crc32' | 'unknown';
/** `json_schema` and `avro`: in the Confluent wire format, which names the schema by its id in a registry. */
export type SourceFormat = 'json' | 'json_schema' | 'avro';
export type KeyEncodingName = 'string' | 'json' | 'int64be' | 'avro';
/** `append`: each record is an event. `upsert`: each is the new row of its key, or deletes it. */
export type SourceMode = 'append' | 'upsert';
export type EnvelopeName = 'debezium';

export interface SourceField extends FieldType {
  readonly name: string;
  /** Keys that lead to the field in the record, outermost first; `[name]` unless `path` is declared. */
  readonly path: readonly string[];
}

/** A typed column computed from fields (and earlier derived columns), usable wherever a field is. */
export interface DerivedColumn extends FieldType {
  readonly name: string;
  readonly expression: CompiledExpression;
}

/** Fields of the record key, in order (empty: records have no declared key), and how its bytes are written. */
export interface RecordKeyDefinition {
  readonly fields: readonly string[];
  readonly encoding: KeyEncodingName;
  readonly separator: string;
  /** `json` within an envelope: the key is an object with these members, one for each field. Absent: it is no object. */
  readonly members?: readonly string[];
}

export interface SourceDefinition extends CatalogTexts {
  readonly name: string;
  readonly topic: string;
  readonly format: SourceFormat;
  readonly mode: SourceMode;
  /** What a row is wrapped in; null: it is the record's value. */
  readonly envelope: EnvelopeName | null;
  readonly key: RecordKeyDefinition;
  readonly partitioner: Partitioner;
  /** Name of the field (type `timestamp`) that is the event time. */
  readonly eventTime: string;
  /** Name of the field that identifies an event for duplicate removal, or null. */
  readonly eventId: string | null;
  readonly clock: SourceClock;
  readonly maxDisorderMs: number;
  readonly maxAheadMs: number;
  readonly idleAfterMs: number;
  readonly staleAfterMs: number;
  /** States are kept this long beyond the reach of their view. */
  readonly expirySlackMs: number;
  readonly historyComplete: boolean;
  /** Folder of what `skewless archive` keeps of the topic, as written: relative to the definitions. Null: none. */
  readonly archive: string | null;
  readonly fields: readonly SourceField[];
  readonly derived: readonly DerivedColumn[];
  /** Row layout shared by every expression over this source: fields, then derived columns, by slot. */
  readonly slots: ReadonlyMap<string, number>;
}

export interface EntityDefinition {
  readonly name: string;
  /** In declared order: the order in which keys are encoded. */
  readonly keys: readonly { readonly name: string; readonly type: ScalarKind }[];
  readonly description: string;
  readonly owner: string;
}

/** `[floor(asOf − offset − length, hop), floor(asOf − offset, hop))`; with offset 0 the right edge is `asOf` itself. */
export type Window =
  | { readonly kind: 'lifetime' }
  | { readonly kind: 'sliding'; readonly lengthMs: number; readonly hopMs: number; readonly offsetMs: number };

/** Bounds on |x| that exact arithmetic needs; beyond them a record is rejected for the view. */
export type Magnitude = 'any' | 'sum' | 'square';

/** A distinct `of` of a view, evaluated once per event. A struct `of` is one column of struct type. */
export interface ViewColumn extends FieldType {
  readonly canonical: string;
  /** The strictest magnitude among the aggregations that read it. */
  readonly magnitude: Magnitude;
  /** One entry for a plain `of` (name is ''); one per member, in order, for a struct `of`. */
  readonly members: readonly { readonly name: string; readonly expression: CompiledExpression }[];
}

/**
 * One value of the row that a view in upsert mode keeps: a distinct `of` and `where` of its features. Where the condition is
 * not true the row holds null instead.
 */
export interface RowMember extends Omit<ViewColumn, 'magnitude'> {
  /** In the stored row. */
  readonly name: string;
  readonly where: CompiledExpression | null;
}

export type AggregationParams = Readonly<Record<string, number | readonly number[]>>;

/** One output of a view: an aggregation over one window. */
export interface FeatureDefinition extends FieldType, GovernedTexts {
  /** Full name: `delay_mean_24h`. */
  readonly name: string;
  /** Declared name: `delay_mean`. */
  readonly baseName: string;
  readonly aggregation: string;
  readonly params: AggregationParams;
  /** Index into the view's `columns`, or −1 (count or time_since_last of events). */
  readonly column: number;
  /** Index into the view's `filters`, or −1. */
  readonly filter: number;
  /** Index into the view's `row`, or −1 where it keeps none. */
  readonly member: number;
  readonly window: Window;
  /** Served instead of null for `NULL_VALUE` and `NOT_FOUND`; null when none is declared. */
  readonly defaultValue: Value;
  /** Its own; empty: that of its view. */
  readonly owner: string;
}

export interface ViewDefinition extends CatalogTexts {
  readonly name: string;
  readonly version: number;
  /** `name@version`. */
  readonly id: string;
  readonly entity: EntityDefinition;
  readonly source: SourceDefinition;
  /** Source column that gives each of the entity's keys, in the entity's order. */
  readonly keyColumns: readonly string[];
  readonly where: CompiledExpression | null;
  /** Features' `where`s, distinct by canonical form; at most 31, for an event keeps their results in one integer. */
  readonly filters: readonly CompiledExpression[];
  readonly columns: readonly ViewColumn[];
  /**
   * Of a source in upsert mode: what is kept of its rows. The view has one column then, `{ row: {…} }`, or `{ row: null }` of
   * a row that was deleted, and no filters. Null in append mode.
   */
  readonly row: readonly RowMember[] | null;
  readonly features: readonly FeatureDefinition[];
  /** Names of all source columns the view needs, key, event time and event id included: only these can reject a record for it. */
  readonly usedColumns: readonly string[];
  readonly maxAgeMs: number | null;
  readonly historyMs: number;
  readonly incomplete: 'withhold' | 'serve';
  readonly headMax: number;
  readonly headLimit: number;
  readonly stateFingerprint: string;
  readonly readFingerprint: string;
  readonly deprecated: Deprecation | null;
}

/** A view as it appears in a service: which of its features, under which names, with which keys. */
export interface ViewAppearance {
  readonly view: ViewDefinition;
  readonly prefix: string;
  /** Per entity key of the view, in its order: an expression over the service's request columns. */
  readonly keys: readonly CompiledExpression[];
}

/** Of a view's feature the texts are the view's; what is given up with it is given up here. */
export type ServiceFeature = FieldType &
  GovernedTexts & {
    readonly name: string;
  } & (
    | {
        readonly kind: 'view' /** Index into `appearances`. */;
        readonly appearance: number /** Index into the view's features. */;
        readonly feature: number;
      }
    | { readonly kind: 'derived' /** Index into `derived`. */; readonly derived: number }
  );

export interface DerivedFeature extends FieldType {
  readonly name: string;
  /** Over the service's expression row (see `expressionSlots`). */
  readonly expression: CompiledExpression;
}

export interface RequestColumn extends FieldType {
  readonly name: string;
  readonly kind: 'key' | 'input';
}

export interface ServiceDefinition extends CatalogTexts {
  readonly name: string;
  readonly version: number;
  readonly id: string;
  /** What a request row may hold: entity keys, then inputs. Keys are never nullable. */
  readonly requestColumns: readonly RequestColumn[];
  readonly appearances: readonly ViewAppearance[];
  /** In the order served. */
  readonly features: readonly ServiceFeature[];
  /** In an order in which each uses only earlier ones. */
  readonly derived: readonly DerivedFeature[];
  /** Row layout of `keys` expressions and derived features: request columns, then `as_of` (timestamp), then all features by name. */
  readonly expressionSlots: ReadonlyMap<string, number>;
  readonly asOf: 'required' | 'optional';
  readonly fingerprint: string;
  readonly deprecated: Deprecation | null;
}

export interface Definitions {
  readonly sources: ReadonlyMap<string, SourceDefinition>;
  readonly entities: ReadonlyMap<string, EntityDefinition>;
  /** By `name@version`; a bare name resolves to the newest with `findVersioned`. */
  readonly views: ReadonlyMap<string, ViewDefinition>;
  readonly services: ReadonlyMap<string, ServiceDefinition>;
}

/** What definitions need to know of an aggregation; implemented by `aggregate/`, which this folder must not import. */
export interface AggregationRules {
  readonly name: string;
  /** Whether `of` must, may or must not be given. */
  readonly of: 'required' | 'optional' | 'none';
  readonly params: readonly AggregationParamRule[];
  readonly magnitude: Magnitude;
  /** The type of the feature, or what is wrong with the input (a sentence, with what to do). `input` is null without `of`. */
  resultType(input: FieldType | null, params: AggregationParams): FieldType | { readonly problem: string };
}

export interface AggregationParamRule {
  readonly name: 'n' | 'k' | 'q' | 'edges' | 'keys_max';
  readonly kind: 'integer' | 'number' | 'increasing numbers';
  readonly min: number;
  readonly max: number;
  /** Used when absent; null: required. */
  readonly defaultValue: number | null;
}

export type AggregationCatalog = ReadonlyMap<string, AggregationRules>;
