import { expect, test } from 'vitest';
import { STATUSES, type Status, isOrdinary, statusRank } from '../../src/core/status.ts';
import { assemble, withheldVector } from '../../src/vector/assemble.ts';
import { select } from '../../src/vector/service.ts';
import { PRESENT_V, PRESENT_W, evaluated, serviceWith } from './fixture.ts';

const AS_OF_MS = 1_500;
const REQUEST = ['key', 3];

test('values are rendered in the form of their type, time_since_last as the time until as_of', () => {
  const plan = serviceWith({});
  const vector = assemble(plan, plan.everything, REQUEST, AS_OF_MS, [PRESENT_V, PRESENT_W]);
  expect(plan.everything.names).toEqual(['x', 'l', 'ago', 'y']);
  expect(vector).toEqual({
    values: [2, '7', 1_100, 8],
    statuses: ['PRESENT', 'PRESENT', 'PRESENT', 'PRESENT'],
    eventTimesMs: [1_000, 1_000, 1_000, 2_000],
  });
});

test('a default of time_since_last is a duration already', () => {
  const plan = serviceWith({});
  for (const status of ['NULL_VALUE', 'NOT_FOUND', 'INCOMPLETE'] as const) {
    const outcome = evaluated([
      [null, status],
      [null, status],
      [5, status],
    ]);
    expect(assemble(plan, plan.everything, REQUEST, AS_OF_MS, [outcome, PRESENT_W]).values[2]).toBe(5);
  }
});

test('STALE takes the place of the ordinary statuses, and of no other; values stay', () => {
  const plan = serviceWith({});
  for (const status of STATUSES) {
    const outcome = evaluated(
      [
        [2, status],
        [null, status],
        [null, status],
      ],
      true,
    );
    const vector = assemble(plan, plan.everything, REQUEST, AS_OF_MS, [outcome, PRESENT_W]);
    expect(vector.statuses[0]).toBe(isOrdinary(status) ? 'STALE' : status);
    expect(vector.values[0]).toBe(2);
  }
});

test('a withheld view withholds all its features for its reason', () => {
  const plan = serviceWith({});
  const vector = assemble(plan, plan.everything, REQUEST, AS_OF_MS, [
    { kind: 'withheld', status: 'REBUILDING' },
    PRESENT_W,
  ]);
  expect(vector.statuses).toEqual(['REBUILDING', 'REBUILDING', 'REBUILDING', 'PRESENT']);
  expect(vector.values).toEqual([null, null, null, 8]);
  expect(vector.eventTimesMs).toEqual([null, null, null, 2_000]);
});

test('a derived feature with a value is PRESENT, or has the worst flag of its inputs; without one their worst status', () => {
  const plan = serviceWith({ filled: 'COALESCE(x, 0) + COALESCE(y, 0)', plain: 'x + y' });
  for (const one of STATUSES) {
    for (const other of STATUSES) {
      const worst = statusRank(one) > statusRank(other) ? one : other;
      const v = evaluated([
        [one === 'PRESENT' ? 1 : null, one],
        [null, 'PRESENT'],
        [null, 'PRESENT'],
      ]);
      const w = evaluated([[other === 'PRESENT' ? 1 : null, other]]);
      const vector = assemble(plan, plan.everything, REQUEST, AS_OF_MS, [v, w]);
      const [filled, plain] = vector.statuses.slice(-2);
      expect(filled, `${one} ${other}`).toBe(isOrdinary(worst) ? 'PRESENT' : worst);
      expect(plain, `${one} ${other}`).toBe(worst);
    }
  }
});

test('a derived feature without a value whose inputs are all PRESENT is NULL_VALUE', () => {
  const plan = serviceWith({ none: 'x / 0', constant: 'NULLIF(a, 3)' });
  const vector = assemble(plan, plan.everything, REQUEST, AS_OF_MS, [PRESENT_V, PRESENT_W]);
  expect(vector.statuses.slice(-2)).toEqual(['NULL_VALUE', 'NULL_VALUE']);
});

test('a derived feature that fails is ERROR, whatever its inputs are, and poisons what uses it', () => {
  const plan = serviceWith({ failing: 'exp(x * 1000)', after: 'COALESCE(failing, 1)' });
  const stale = evaluated(
    [
      [2, 'PRESENT'],
      [7n, 'PRESENT'],
      [400, 'PRESENT'],
    ],
    true,
  );
  const vector = assemble(plan, plan.everything, REQUEST, AS_OF_MS, [stale, PRESENT_W]);
  expect(vector.statuses.slice(-2)).toEqual(['ERROR', 'ERROR']);
  expect(vector.values.slice(-2)).toEqual([null, 1]);
});

test('derived features see the request, as_of, durations and each other, in whatever order they are declared', () => {
  const plan = serviceWith({ last: 'middle + 1', middle: 'ago + a', at: 'as_of' });
  const vector = assemble(plan, plan.everything, REQUEST, AS_OF_MS, [PRESENT_V, PRESENT_W]);
  expect(vector.values.slice(-3)).toEqual([1_104, 1_103, '1970-01-01T00:00:01.500Z']);
});

test('the event time of a derived feature is the newest of its inputs', () => {
  const plan = serviceWith({ both: 'x + y', one: 'x * 2', none: 'a * 2' });
  const vector = assemble(plan, plan.everything, REQUEST, AS_OF_MS, [PRESENT_V, PRESENT_W]);
  expect(vector.eventTimesMs.slice(-3)).toEqual([2_000, 1_000, null]);
});

test('a selection reads only the views it needs, and gives the values that everything gives', () => {
  const plan = serviceWith({ last: 'middle + 1', middle: 'x * 2', lonely: 'a + 1' });
  const place = (name: string) => plan.places.get(name) ?? -1;
  const selection = select(plan, [place('last'), place('l')]);
  expect(selection.appearances).toEqual([0]);
  expect(selection.read.map((each) => plan.features[each]?.name)).toEqual(['x', 'l']);
  expect(selection.computed.map(({ name }) => name)).toEqual(['middle', 'last']);
  expect(assemble(plan, selection, REQUEST, AS_OF_MS, [PRESENT_V, undefined]).values).toEqual([5, '7']);
  const alone = select(plan, [place('lonely')]);
  expect([alone.appearances, alone.sources]).toEqual([[], []]);
  expect(assemble(plan, alone, REQUEST, AS_OF_MS, []).values).toEqual([4]);
});

test('assembling never changes what it is given: ten times give the same', () => {
  const plan = serviceWith({ ratio: 'x / y' });
  const outcomes = [PRESENT_V, PRESENT_W];
  const before = structuredClone(outcomes);
  const first = JSON.stringify(assemble(plan, plan.everything, REQUEST, AS_OF_MS, outcomes));
  for (let round = 0; round < 10; round++) {
    expect(JSON.stringify(assemble(plan, plan.everything, REQUEST, AS_OF_MS, outcomes))).toBe(first);
  }
  expect(outcomes).toEqual(before);
});

test('a vector withheld as a whole has one status for all', () => {
  const plan = serviceWith({ ratio: 'x / y' });
  const { values, statuses } = withheldVector(plan.everything, 'TIMED_OUT');
  expect(values).toEqual([null, null, null, null, null]);
  expect(new Set<Status>(statuses)).toEqual(new Set(['TIMED_OUT']));
});
