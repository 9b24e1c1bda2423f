/**
 * The lineage against the engine: over random definitions and logs, another value of a field changes a feature only where a path
 * leads from the one to the other. A record that is no event any more, for its value is not of the field's type, is another matter.
 */
import { expect, test } from 'vitest';
import type { Value } from '../../src/core/value.ts';
import { type EdgeKind, type Lineage, lineageOf } from '../../src/definition/lineage.ts';
import { walk } from '../../src/definition/lineage-walk.ts';
import type { ViewEvent, ViewOutcome } from '../../src/event/event.ts';
import { type GeneratedRecord, jsonText } from '../oracle/generate-log.ts';
import { generateScenario } from '../oracle/generate.ts';
import type { Random } from '../oracle/random.ts';
import { toLogRecord } from './agreement.ts';
import { type Engine, decodeAll, enginesOf, evaluateAt, foldAll, load } from './engine.ts';

const SEEDS = 120;
const FIELDS = ['k', 'k2', 'k3', 'at', 'x', 'y', 'n', 'i', 'b', 'c', 't', 'z', 'pair', 'list'] as const;
type Field = (typeof FIELDS)[number];

/** Names of features that changed, as ids of the lineage, by the field that was changed. */
function changesOf(seed: number): { readonly lineage: Lineage; readonly changed: ReadonlyMap<Field, Set<string>> } {
  const { text, records, random } = generateScenario(seed);
  const engines = enginesOf(text);
  const before = decodeAll(engines, records.map(toLogRecord));
  const asOfs = random.sample(before.flat().flatMap(timesOf), 6).map((ms) => ms + 1);
  const changed = new Map<Field, Set<string>>();
  for (const field of FIELDS) {
    const others = records.map((record) => withOther(record, field, records, random));
    const after = decodeAll(engines, others.map(toLogRecord));
    const features = new Set<string>();
    changed.set(field, features);
    for (const [index, engine] of engines.entries()) {
      const [one = [], other = []] = [before[index], after[index]];
      if (one.some(({ kind }, at) => (kind === 'rejected') !== (other[at]?.kind === 'rejected'))) continue;
      for (const name of differing(engine, one, other, asOfs)) features.add(`feature:${engine.view.id}.${name}`);
    }
  }
  return { lineage: lineageOf(load(text)), changed };
}

function timesOf(outcome: ViewOutcome): number[] {
  return outcome.kind === 'event' ? [outcome.event.tsMs, outcome.event.tsMs + 60_000] : [];
}

/** The record, every second time with the value that another has in the field. */
function withOther(
  record: GeneratedRecord,
  field: Field,
  records: readonly GeneratedRecord[],
  random: Random,
): GeneratedRecord {
  if (random.chance(0.5)) return record;
  // `z` is read at after.deep.z, and nothing else is within `after`.
  const name = field === 'z' ? 'after' : field;
  const json = { ...record.json, [name]: random.pick(records).json[name] ?? null };
  return { ...record, json, text: jsonText(json) };
}

function differing(
  engine: Engine,
  before: readonly ViewOutcome[],
  after: readonly ViewOutcome[],
  asOfs: readonly number[],
): Set<string> {
  const names = new Set<string>();
  const [one, other] = [byEntity(before), byEntity(after)];
  for (const entity of new Set([...one.keys(), ...other.keys()])) {
    const states = [one, other].map((events) => foldAll(engine, events.get(entity) ?? []).state);
    for (const asOf of asOfs) {
      const [first, second] = states.map((state) => evaluateAt(engine, state, asOf));
      for (const [index, { name }] of engine.view.features.entries()) {
        const shown = [first, second].map((each) => show([each?.statuses[index] ?? '', each?.values[index] ?? null]));
        if (shown[0] !== shown[1]) names.add(name);
      }
    }
  }
  return names;
}

function byEntity(outcomes: readonly ViewOutcome[]): Map<string, ViewEvent[]> {
  const events = new Map<string, ViewEvent[]>();
  for (const outcome of outcomes) {
    if (outcome.kind !== 'event') continue;
    const { event } = outcome;
    events.set(event.entityKey, [...(events.get(event.entityKey) ?? []), event]);
  }
  return events;
}

function show(values: readonly Value[]): string {
  return JSON.stringify(values, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
}

/** Changes that no path explains, `field → feature`. */
function unexplained(lineage: Lineage, changed: ReadonlyMap<Field, Set<string>>): string[] {
  return [...changed].flatMap(([field, features]) => {
    const id = [...lineage.nodes.keys()].find((each) => each.startsWith('field:') && each.endsWith(`.${field}`)) ?? '';
    const { nodes } = walk(lineage, id, 'downstream', 100);
    return [...features].filter((feature) => !nodes.has(feature)).map((feature) => `${field} → ${feature}`);
  });
}

const FOUND = Array.from({ length: SEEDS }, (_, index) => ({ seed: index + 1, ...changesOf(index + 1) }));

test('another value of a field changes a feature only where a path leads from the one to the other', () => {
  const faults = FOUND.flatMap(({ seed, lineage, changed }) =>
    unexplained(lineage, changed).map((fault) => `seed ${seed}: ${fault}`),
  );
  expect(faults).toEqual([]);
});

test.each<EdgeKind>(['value', 'filter', 'key', 'time'])(
  'without edges of kind %s, changes are seen that no path explains',
  (kind) => {
    const faults = FOUND.flatMap(({ lineage, changed }) =>
      unexplained({ ...lineage, edges: lineage.edges.filter((edge) => edge.kind !== kind) }, changed),
    );
    expect(faults.length).toBeGreaterThan(0);
  },
);

test('a path is not a way of saying that all comes from all: most pairs of a field and a feature have none', () => {
  let pairs = 0;
  let joined = 0;
  for (const { lineage } of FOUND) {
    const features = [...lineage.nodes.values()].filter(({ kind }) => kind === 'feature');
    for (const { id, kind } of lineage.nodes.values()) {
      if (kind !== 'field') continue;
      const { nodes } = walk(lineage, id, 'downstream', 100);
      pairs += features.length;
      joined += features.filter((feature) => nodes.has(feature.id)).length;
    }
  }
  expect(joined / pairs).toBeLessThan(0.5);
});
