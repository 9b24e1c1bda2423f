/**
 * Training sets against the naive oracle, over random definitions, logs and labels: every value and every status of every row,
 * by what was true and by what was known. A failure names its seed.
 */
import { expect, test } from 'vitest';
import type { ViewEvent } from '../../src/event/event.ts';
import { encodeEntityKey } from '../../src/event/entity-key.ts';
import type { Definitions, ServiceDefinition } from '../../src/definition/definition.ts';
import type { OracleEvent } from '../oracle/decode.ts';
import { generateScenario, type Scenario } from '../oracle/generate.ts';
import { interestingTimes } from '../oracle/generate-log.ts';
import { durationMs, type ModelView, type Scalar } from '../oracle/model.ts';
import { oracleEvaluate, totalOrder } from '../oracle/oracle.ts';
import type { Random } from '../oracle/random.ts';
import { type EntityCase, entityCases, toLogRecord } from '../property/agreement.ts';
import { differences, show } from '../property/compare.ts';
import { foldAll, load } from '../property/engine.ts';
import { createTally } from '../property/tally.ts';
import { createMemoryReader, engineValue, serviceOf, type Trained, trainFor } from './support.ts';

const LABELS = 40;
const KEYS: Readonly<Record<string, readonly (string | number)[]>> = {
  k: ['a', 'b', 'é-ü', 'nobody'],
  id: ['9007199254740993', '9007199254740992', '-9223372036854775808', '7', '1'],
  place: [1, -3, 2],
  named: ['a', 'aa', 'none', 'Z', 'nobody'],
};

interface Label {
  readonly keys: Readonly<Record<string, string | number>>;
  readonly asOfMs: number;
}

/** All views of the scenario, each under its own prefix, for one row of keys. */
function definitionsOf({ text, views }: Scenario): Definitions {
  const services = [{ name: 'scoring', features: views.map(({ name }) => ({ view: name, prefix: `${name}_` })) }];
  return load(JSON.stringify({ ...(JSON.parse(text) as object), services }));
}

function labelsFor({ views, random, records }: Scenario): readonly Label[] {
  const names = [...new Set(views.flatMap(({ keys }) => keys.map(({ name }) => name)))];
  const times = records.map(({ json, appendedMs }) => (typeof json['at'] === 'number' ? json['at'] : appendedMs));
  return Array.from({ length: LABELS }, () => ({
    keys: Object.fromEntries(names.map((name) => [name, random.pick(KEYS[name] as readonly (string | number)[])])),
    asOfMs: random.chance(0.2)
      ? random.pick(records).appendedMs + random.integer(-1, 1)
      : (interestingTimes(random, random.pick(views), times, 1)[0] as number),
  }));
}

/** As the live driver takes them: by when the log took them, which in a partition never falls. */
function arrivalOrder({ records }: Scenario): ReadonlyMap<string, number> {
  const newest = new Map<number, number>();
  const arrived = records.map(({ partition, offset, appendedMs }) => {
    newest.set(partition, Math.max(newest.get(partition) ?? Number.NEGATIVE_INFINITY, appendedMs));
    return { at: `${partition}/${offset}`, arrivedMs: newest.get(partition) as number };
  });
  return new Map(arrived.map(({ at, arrivedMs }) => [at, arrivedMs]));
}

const placeOf = ({ partition, offset }: { partition: number; offset: number }): string => `${partition}/${offset}`;

/** Without those that the live driver, taking them as they arrive, finds to be duplicates. */
function counted({ engine, events, truth }: EntityCase, arrived: ReadonlyMap<string, number>): readonly OracleEvent[] {
  const order = (one: ViewEvent, other: ViewEvent): number =>
    (arrived.get(placeOf(one)) as number) - (arrived.get(placeOf(other)) as number) ||
    one.partition - other.partition ||
    one.offset - other.offset;
  const sorted = events.toSorted(order);
  const { outcomes } = foldAll(engine, sorted);
  const twice = new Set(sorted.filter((_event, index) => outcomes[index] === 'duplicate').map(placeOf));
  return truth.filter((event) => !twice.has(placeOf(event))).toSorted(totalOrder);
}

/** Of partitions that do not begin at offset 0; null: all do. */
function completeFromMs({ records, source }: Scenario): number | null {
  const firsts = [...Map.groupBy(records, ({ partition }) => partition).values()].flatMap(([first]) => first ?? []);
  const lost = firsts.filter(({ offset }) => offset > 0).map(({ appendedMs }) => appendedMs);
  return lost.length === 0 ? null : Math.max(...lost) + durationMs(source.max_ahead ?? '5m') + 1;
}

function entityOf({ keys }: ModelView, label: Label): string {
  const values = keys.map(({ name, kind }): Scalar => {
    const value = label.keys[name] as string | number;
    return kind === 'int64' ? BigInt(value) : value;
  });
  return encodeEntityKey(values);
}

type Visible = (event: OracleEvent, asOfMs: number) => boolean;

function faults(
  scenario: Scenario,
  service: ServiceDefinition,
  labels: readonly Label[],
  { rows }: Trained,
  isVisible: Visible,
): string[] {
  const arrived = arrivalOrder(scenario);
  const byEntity = new Map(
    entityCases(scenario, createTally()).map((each) => [`${each.view.name} ${each.entity}`, counted(each, arrived)]),
  );
  const since = completeFromMs(scenario) ?? Number.NEGATIVE_INFINITY;
  return labels.flatMap((label, index) =>
    scenario.views.flatMap((view, place) => {
      const all = byEntity.get(`${view.name} ${entityOf(view, label)}`) ?? [];
      const seen = all.filter((event) => isVisible(event, label.asOfMs));
      const expected = oracleEvaluate(view, seen, label.asOfMs, since);
      const features = service.features.filter((each) => each.kind === 'view' && each.appearance === place);
      const row = rows[index] as Trained['rows'][number];
      const values = features.map(({ name, type }, at) => {
        const value = engineValue(type, row[name] ?? null);
        const isSince = expected[at]?.aggregation === 'time_since_last' && value !== null;
        return isSince ? label.asOfMs - (value as number) : value;
      });
      const statuses = features.map(({ name }) => row[`${name}__status`] as never);
      const eventTimesMs = expected.map(({ eventTimeMs }) => eventTimeMs);
      const found = differences(expected, { values, statuses, eventTimesMs, fromMs: 0, untilMs: 0 });
      return found.map(
        (fault) => `row ${index}, as_of ${label.asOfMs}, ${view.name} ${entityOf(view, label)}: ${fault}`,
      );
    }),
  );
}

/** Small bounds, so that there are several chunks and parts of everything. */
function boundsFor(random: Random) {
  return {
    chunkEvents: random.pick([1, 7, 1_000]),
    partRows: random.pick([5, 40, 1_000]),
    sortBytes: random.pick([500, 1_000_000]),
  };
}

async function trainScenario(
  scenario: Scenario,
  service: ServiceDefinition,
  labels: readonly Label[],
  arrival: boolean,
) {
  const reader = createMemoryReader(scenario.records.map(toLogRecord), {
    batchRecords: scenario.random.pick([1, 10, 1_000]),
  });
  return trainFor({
    service,
    readers: new Map([['s', reader]]),
    labels: labels.map(({ keys, asOfMs }) => ({ ...keys, timestamp: asOfMs })),
    knowledge: arrival ? 'arrival' : 'event-time',
    bounds: boundsFor(scenario.random),
  });
}

const SEEDS = 30;

test(`by event time, all that happened before the label counts, seeds 1 to ${SEEDS}`, async () => {
  let present = 0;
  let duplicates = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const scenario = generateScenario(seed);
    const service = serviceOf(definitionsOf(scenario));
    const labels = labelsFor(scenario);
    const trained = await trainScenario(scenario, service, labels, false);
    expect(
      faults(scenario, service, labels, trained, () => true),
      `seed ${seed}\n${scenario.text}`,
    ).toEqual([]);
    for (const each of Object.values(trained.manifest.statuses)) present += each.PRESENT ?? 0;
    duplicates += trained.manifest.events.duplicates;
  }
  // Else the test shows nothing.
  expect(present).toBeGreaterThan(1_000);
  expect(duplicates).toBeGreaterThan(0);
}, 240_000);

test(`by arrival, only what had arrived counts, and the report says where that differs, seeds 101 to ${100 + SEEDS}`, async () => {
  let differing = 0;
  for (let seed = 101; seed <= 100 + SEEDS; seed++) {
    const scenario = generateScenario(seed);
    const service = serviceOf(definitionsOf(scenario));
    const labels = labelsFor(scenario);
    const arrived = arrivalOrder(scenario);
    const isKnown: Visible = (event, asOfMs) => (arrived.get(placeOf(event)) as number) <= asOfMs;
    const known = await trainScenario(scenario, service, labels, true);
    expect(faults(scenario, service, labels, known, isKnown), `seed ${seed}\n${scenario.text}`).toEqual([]);
    const truth = await trainScenario(scenario, service, labels, false);
    for (const { feature, differing: told } of (known.manifest.late_data ?? []) as {
      feature: string;
      differing: number;
    }[]) {
      const cells = (row: Trained['rows'][number]) => show([row[feature], row[`${feature}__status`]]);
      const found = known.rows.filter((row, index) => cells(row) !== cells(truth.rows[index] as typeof row)).length;
      expect([seed, feature, told]).toEqual([seed, feature, found]);
      differing += told;
    }
  }
  expect(differing).toBeGreaterThan(100);
}, 240_000);
