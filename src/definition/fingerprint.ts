/**
 * Fingerprints: what a view's state is a function of, what reading adds to that, what a service adds to its views.
 * Everything hashed is listed here by name; prose, owners, labels, tags, deprecation, freshness settings and formatting are not. The
 * names and the order of features belong to reading: state is laid out without them.
 */
import { createHash } from 'node:crypto';
import { formatType } from '../core/value.ts';
import type { Value } from '../core/value.ts';
import type { FeatureDefinition, ServiceDefinition, SourceDefinition, ViewDefinition } from './definition.ts';
import { readsOf } from './feature-reads.ts';

/** Raised only when the same definition over the same log gives other bits. */
const SEMANTICS_VERSION = 1;
const HEX_LENGTH = 32;

type Unfingerprinted = Omit<ViewDefinition, 'stateFingerprint' | 'readFingerprint'>;

export function fingerprintView(view: Unfingerprinted): Pick<ViewDefinition, 'stateFingerprint' | 'readFingerprint'> {
  const stateFingerprint = hash(stateIngredients(view));
  return { stateFingerprint, readFingerprint: hash(readIngredients(view, stateFingerprint)) };
}

function stateIngredients(view: Unfingerprinted): unknown {
  const { source, entity } = view;
  return {
    semantics: SEMANTICS_VERSION,
    source: sourceIngredients(source, view.usedColumns),
    keys: entity.keys.map((key, index) => [view.keyColumns[index], key.type]),
    where: view.where?.canonical ?? null,
    features: distinctSorted(view.features.map((feature) => aggregateIngredients(view, feature))),
    historyMs: view.historyMs,
    headMax: view.headMax,
    headLimit: view.headLimit,
  };
}

function sourceIngredients(source: SourceDefinition, usedColumns: readonly string[]): unknown {
  const used = new Set(usedColumns);
  const fields = source.fields.filter((field) => used.has(field.name));
  const derived = source.derived.filter((column) => used.has(column.name));
  return {
    name: source.name,
    topic: source.topic,
    format: source.format,
    ...changeIngredients(source),
    key: source.key,
    partitioner: source.partitioner,
    eventTime: source.eventTime,
    eventId: source.eventId,
    clock: source.clock,
    maxAheadMs: source.maxAheadMs,
    // With a wall clock disorder only moves the watermark, which no state depends on.
    maxDisorderMs: source.clock === 'watermark' ? source.maxDisorderMs : null,
    fields: distinctSorted(fields.map(({ name, type, nullable, path }) => [name, formatType(type, nullable), path])),
    derived: distinctSorted(derived.map(({ name, expression }) => [name, expression.canonical])),
  };
}

/** Left out where they are what they were before there was a choice, so that fingerprints stayed the same. */
export function changeIngredients({ mode, envelope }: SourceDefinition): Readonly<Record<string, string>> {
  return { ...(mode === 'append' ? {} : { mode }), ...(envelope === null ? {} : { envelope }) };
}

/** What one output computes, its name, default and prose aside. */
function aggregateIngredients(view: Unfingerprinted, feature: FeatureDefinition): unknown {
  const { of, where } = readsOf(view, feature);
  return {
    aggregation: feature.aggregation,
    params: feature.params,
    of: of === null ? null : [of.canonical, formatType(of.type, of.nullable)],
    where: where?.canonical ?? null,
    window: feature.window,
  };
}

function readIngredients(view: Unfingerprinted, stateFingerprint: string): unknown {
  return {
    state: stateFingerprint,
    entityKeys: view.entity.keys.map((key) => key.name),
    historyComplete: view.source.historyComplete,
    maxAgeMs: view.maxAgeMs,
    incomplete: view.incomplete,
    features: view.features.map((feature) => [
      feature.name,
      formatType(feature.type, feature.nullable),
      plain(feature.defaultValue),
      aggregateIngredients(view, feature),
    ]),
  };
}

export function fingerprintService(service: Omit<ServiceDefinition, 'fingerprint'>): string {
  return hash({
    appearances: service.appearances.map(({ view, keys }) => [view.readFingerprint, keys.map((key) => key.canonical)]),
    request: distinctSorted(
      service.requestColumns.map(({ name, kind, type, nullable }) => [name, kind, formatType(type, nullable)]),
    ),
    features: service.features.map((feature) =>
      feature.kind === 'view'
        ? [
            feature.name,
            feature.appearance,
            service.appearances[feature.appearance]?.view.features[feature.feature]?.name,
          ]
        : [feature.name, service.derived[feature.derived]?.expression.canonical],
    ),
    asOf: service.asOf,
  });
}

/** A value with its kind, for `1` and `"1"` and int64 `1` are three values. */
function plain(value: Value): unknown {
  if (typeof value === 'bigint') return { int64: value.toString() };
  return JSON.parse(JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part)));
}

function distinctSorted(parts: readonly unknown[]): readonly string[] {
  return [...new Set(parts.map(canonicalJson))].sort();
}

function hash(ingredients: unknown): string {
  return createHash('sha256').update(canonicalJson(ingredients)).digest('hex').slice(0, HEX_LENGTH);
}

/** JSON with the keys of every object sorted. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  });
}
