import { expect, test } from 'vitest';
import { formatProblem } from '../../src/definition/problem.ts';
import { EXAMPLE, load, tryLoad } from './support.ts';

const VIEW = '  - name: airport_delay\n';
const withView = (text: string): string => EXAMPLE.replace(VIEW, `${VIEW}    ${text}\n`);
const withFeature = (text: string): string => EXAMPLE.replace('name: late, agg', `name: late, ${text}, agg`);

test('what is given up is told with day, end, successor and reason, and passed on to who reads it', () => {
  const definitions = load(
    withFeature(
      'tags: [core, core, "pii/name"], owner: them, deprecated: { on: 2026-12-31, sunset: 2027-06-30, use: departures, reason: Coarse. }',
    ),
  );
  const service = definitions.services.get('departure_delay@1');
  const late = service?.features.find(({ name }) => name === 'late_24h');
  expect(late).toMatchObject({
    tags: ['core', 'pii/name'],
    deprecated: {
      on: '2026-12-31',
      onMs: Date.UTC(2026, 11, 31),
      sunset: '2027-06-30',
      sunsetMs: Date.UTC(2027, 5, 30),
      use: 'departures',
      reason: 'Coarse.',
    },
  });
  expect(definitions.views.get('airport_delay@1')?.features.find(({ name }) => name === 'late_24h')?.owner).toBe(
    'them',
  );
  expect(service?.features.filter(({ deprecated }) => deprecated !== null).map(({ name }) => name)).toEqual([
    'late_24h',
    'dest_late_24h',
  ]);
});

test('with a view, all of its features are given up', () => {
  const service = load(withView('deprecated: { on: 2026-12-31 }')).services.get('departure_delay@1');
  const kept = service?.features.filter(({ deprecated }) => deprecated === null).map(({ name }) => name);
  expect(kept).toEqual(['delay_ratio']);
});

test.each([
  ['a day that is none', withView('deprecated: { on: 2026-02-30 }'), /there is no such day/],
  ['no day', withView('deprecated: { reason: old }'), /on/],
  ['an end before its beginning', withView('deprecated: { on: 2026-12-31, sunset: 2026-01-01 }'), /gone before/],
  ['a view that is not there', withView('deprecated: { on: 2026-12-31, use: airport_dely }'), /no other view/],
  ['itself', withView('deprecated: { on: 2026-12-31, use: airport_delay }'), /no other view/],
  [
    'a feature that is not there',
    withFeature('deprecated: { on: 2026-12-31, use: lte }'),
    /no other feature of the view/,
  ],
  ['a tag with a space', withView('tags: ["a b"]'), /a tag/],
  [
    'a source that is given up',
    EXAMPLE.replace('topic: flights', 'deprecated: { on: 2026-12-31 }\n    topic: flights'),
    /deprecated/,
  ],
])('refuses %s', (_what, text, complaint) => {
  const result = tryLoad(text);
  expect(result.ok ? '' : result.problems.map(formatProblem).join('\n')).toMatch(complaint);
});

test('a newer version may take the place of an older one', () => {
  const text = withView('deprecated: { on: 2026-12-31, use: airport_delay@2 }');
  const [, view = ''] = /(  - name: airport_delay\n[\s\S]*?)services:/.exec(EXAMPLE) ?? [];
  const two = text.replace('services:', `${view.replace(VIEW, `${VIEW}    version: 2\n`)}services:`);
  expect(load(two).views.get('airport_delay@1')?.deprecated?.use).toBe('airport_delay@2');
});
