/** docs/expressions.md says what the code does: its functions, bounds, types, spellings and differences from DuckDB. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CONVERSIONS, TYPE_NAMES } from '../../src/expression/cast.ts';
import { FUNCTIONS, signatureOf } from '../../src/expression/functions.ts';
import { MADE_LENGTH_MAX } from '../../src/expression/functions-text.ts';
import { TEXT_MAX } from '../../src/expression/parse.ts';
import { FUNCTION_SPELLINGS } from '../../src/expression/spellings.ts';
import { DEPTH_MAX, NODES_MAX } from '../../src/expression/translate.ts';
import { DIVERGENCES } from './differential/divergences.ts';
import { problemsOf } from './support.ts';

const TEXT = readFileSync(new URL('../../docs/expressions.md', import.meta.url), 'utf8');

function section(title: string): string {
  return TEXT.split(/^## /m).find((part) => part.startsWith(`${title}\n`)) ?? '';
}

/** Cells of the tables of a section, heads left out. */
function rowsOf(title: string): string[][] {
  const lines = section(title).split('\n');
  return lines
    .filter(
      (line, index) => line.startsWith('| ') && !lines[index + 1]?.startsWith('| ---') && !line.startsWith('| ---'),
    )
    .map((line) => line.slice(2, -2).split(/ (?<!\\)\| /));
}

test('the table of functions is the one of the code, row by row', () => {
  const expected = [...FUNCTIONS.values()].map((rule) => [`\`${signatureOf(rule)}\``, rule.resultText, rule.about]);
  expect(rowsOf('Functions')).toEqual(expected);
});

test('every other spelling of a function is documented', () => {
  for (const [spelling, name] of FUNCTION_SPELLINGS) {
    expect(section('Functions').replaceAll('\n', ' ')).toContain(`\`${spelling}\` (${name})`);
  }
});

test('bounds are the ones of the code', () => {
  expect(rowsOf('Bounds').map(([, most]) => most)).toEqual([
    `${TEXT_MAX.toLocaleString('en-US')} (\`TEXT_MAX\`)`,
    `${DEPTH_MAX} (\`DEPTH_MAX\`)`,
    `${NODES_MAX} (\`NODES_MAX\`)`,
  ]);
  expect(section('Errors')).toContain(MADE_LENGTH_MAX.toLocaleString('en-US'));
});

test('names of types are the ones of the code, but for those of PostgreSQL itself', () => {
  for (const [kind, names] of Object.entries(TYPE_NAMES)) {
    expect(section('Types')).toContain(`\`${kind}\``);
    for (const name of names.filter((each) => each !== 'int4' && each !== 'int8')) {
      expect(section('Types')).toContain(`\`${name}\``);
    }
  }
});

test('the table of casts has every conversion of the code, and no other', () => {
  const kinds = Object.keys(TYPE_NAMES);
  const documented = rowsOf('Types')
    .filter((cells) => cells.length === 3 && kinds.includes((cells[0] ?? '').split(', ')[0] ?? ''))
    .flatMap(([from = '', to = '']) =>
      from.split(', ').flatMap((one) => to.split(', ').map((other) => `${one} to ${other}`)),
    );
  // Without digits to choose or a form to explain, it is not listed.
  const evident = ['int to int64', 'int to double'];
  const coded = Object.entries(CONVERSIONS).flatMap(([from, targets]) =>
    Object.keys(targets).map((to) => `${from} to ${to}`),
  );
  expect([...documented, ...evident].toSorted()).toEqual(coded.toSorted());
});

test('differences from DuckDB are the ones that the differential test knows, row by row', () => {
  const titles = rowsOf('Differences from DuckDB').map(([title = '']) => title);
  const known: string[] = Object.values(DIVERGENCES).map(({ title }) => title);
  expect(titles.toSorted()).toEqual(known.toSorted());
});

test('every expression of the examples compiles', () => {
  const scope = new Map(
    [
      ['dep_delay', 'double'],
      ['carrier', 'string'],
      ['departed_at', 'timestamp'],
      ['delay_mean_1h', 'double'],
      ['delay_mean_7d', 'double'],
    ].map(([name, kind], slot) => [name as string, { slot, type: { kind: kind as 'double' }, nullable: true }]),
  );
  const example = /```yaml\n([^]*?)```/.exec(TEXT)?.[1] ?? '';
  const texts = [...example.matchAll(/"(.*?)"/g)].map((match) => match[1] as string);
  expect(texts.length).toBe(4);
  for (const text of texts) expect(problemsOf(text, scope), text).toEqual([]);
});
