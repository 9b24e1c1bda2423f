import { expect, test } from 'vitest';
import type { ViewDefinition } from '../../../src/definition/definition.ts';
import { createFeastPlans } from '../../../src/serve/routes/feast/plans.ts';
import { compileDefinitions } from '../harness.ts';
import { DEFINITIONS } from './fixture.ts';

test('the same list of features is compiled once, and the one longest unasked is forgotten', () => {
  const view = compileDefinitions(DEFINITIONS).views.get('delays@1') as ViewDefinition;
  const plans = createFeastPlans();
  // Lists that differ: the features whose bits are set.
  const ask = (bits: number) =>
    plans.ofFeatures(view.features.flatMap((_, feature) => (bits & (1 << feature) ? [{ view, feature }] : [])));
  const first = ask(1);
  expect(ask(1)).toBe(first);
  for (let bits = 2; bits < 64; bits++) ask(bits);
  expect(ask(1)).toBe(first);
  for (const order of [
    [0, 1],
    [1, 0],
    [2, 1],
  ]) {
    expect(plans.ofFeatures(order.map((feature) => ({ view, feature })))).toMatchObject({ ok: true });
  }
  expect(ask(1)).toBe(first);
  expect(ask(2)).not.toBe(ask(3));
  const second = ask(2);
  for (let feature = 0; feature < 6; feature++) {
    for (let other = 0; other < 6; other++) {
      for (let third = 0; third < 6; third++) {
        if (new Set([feature, other, third]).size === 3) {
          plans.ofFeatures([feature, other, third].map((index) => ({ view, feature: index })));
        }
      }
    }
  }
  expect(ask(2)).not.toBe(second);
});
