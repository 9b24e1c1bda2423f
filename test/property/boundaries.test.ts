/** Engine and oracle must both find what the boundary cases say, whether or not the state was stored in between. */
import { expect, test } from 'vitest';
import type { ViewEvent } from '../../src/event/event.ts';
import { decode, type OracleEvent } from '../oracle/decode.ts';
import type { ModelView } from '../oracle/model.ts';
import { oracleEvaluate, totalOrder } from '../oracle/oracle.ts';
import { printDefinitions } from '../oracle/print.ts';
import { BOUNDARY_CASES, type BoundaryCase, SOURCE } from './boundary-cases.ts';
import { show } from './compare.ts';
import { decodeAll, type Engine, enginesOf, evaluateAt, foldAll } from './engine.ts';

interface Sides {
  readonly engine: Engine;
  readonly view: ModelView;
  readonly events: readonly ViewEvent[];
  readonly truth: readonly OracleEvent[];
}

function sidesOf({ feature, view: changes, events, appendedMs }: BoundaryCase): Sides {
  const keys = [{ name: 'k', kind: 'string' as const, column: 'k' }];
  const view: ModelView = { name: 'v', source: SOURCE, keys, features: [feature], ...changes };
  const [engine] = enginesOf(printDefinitions(SOURCE, [view])) as [Engine];
  const appended = appendedMs ?? Math.max(...events.map(([time]) => time));
  const texts = events.map(([time, fields]) => `{"k":"a","at":${time}${fields === undefined ? '' : `,${fields}`}}`);
  const records = texts.map((text, offset) => ({ partition: 0, offset, timestampMs: appended, key: null, text }));
  const [outcomes = []] = decodeAll(
    [engine],
    records.map((record) => ({ ...record, value: Buffer.from(record.text) })),
  );
  const decoded = records.map(({ partition, offset, text }) => {
    return decode(view, { partition, offset, appendedMs: appended, json: JSON.parse(text) as Record<string, unknown> });
  });
  return {
    engine,
    view,
    events: outcomes.flatMap((outcome) => (outcome.kind === 'event' ? [outcome.event] : [])),
    truth: decoded.flatMap((each) => (each.kind === 'event' ? [each.event] : [])).toSorted(totalOrder),
  };
}

test.each(BOUNDARY_CASES.map((each) => [each.of, each] as const))('%s', (_of, each) => {
  const { engine, view, events, truth } = sidesOf(each);
  const expected = [show(each.value), each.status ?? 'PRESENT'];
  const [oracle] = oracleEvaluate(view, truth, each.asOf);
  expect([show(oracle?.result.kind === 'value' ? oracle.result.value : null), oracle?.status]).toStrictEqual(expected);
  for (const step of ['go on', 'reload'] as const) {
    const { state } = foldAll(engine, events, () => step);
    const answer = evaluateAt(engine, events.length === 0 ? null : state, each.asOf);
    expect([show(answer.values[0]), answer.statuses[0]]).toStrictEqual(expected);
  }
});
