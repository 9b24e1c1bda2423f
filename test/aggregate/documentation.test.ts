/** docs/aggregations.md says what table.ts does: every row, cell by cell. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Aggregation, OVER_LIMIT } from '../../src/aggregate/aggregation.ts';
import { BUCKETS_MAX, RELATIVE_ERROR_MAX } from '../../src/aggregate/ddsketch.ts';
import { EDGES_MAX } from '../../src/aggregate/histogram.ts';
import { REGISTERS, SKETCH_BYTES_MAX } from '../../src/aggregate/hyperloglog.ts';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import { formatType, type ScalarKind } from '../../src/core/value.ts';
import type { AggregationParams } from '../../src/definition/definition.ts';

const TEXT = readFileSync(new URL('../../docs/aggregations.md', import.meta.url), 'utf8');
const ROWS = TEXT.split('\n').filter((line) => line.startsWith('| `'));
const KINDS: readonly ScalarKind[] = ['int', 'double', 'int64', 'timestamp', 'string', 'bool'];
const PARAMS: AggregationParams = { n: 3, k: 2, keys_max: 10, q: 0.5, edges: [0, 1] };

function resultFor(aggregation: Aggregation, kind: ScalarKind | 'struct'): string | null {
  const type = kind === 'struct' ? ({ kind, fields: [] } as const) : { kind };
  const result = aggregation.resultType({ type, nullable: true }, PARAMS);
  return 'problem' in result ? null : formatType(result.type, result.nullable);
}

function inputCell(aggregation: Aggregation): string {
  if (resultFor(aggregation, 'struct') !== null) {
    return aggregation.of === 'optional' ? 'nothing, or any type' : 'any type';
  }
  return KINDS.filter((kind) => resultFor(aggregation, kind) !== null).join(', ');
}

function resultCell(aggregation: Aggregation): string {
  const taken = KINDS.filter((kind) => resultFor(aggregation, kind) !== null);
  const results = taken.map((kind) => resultFor(aggregation, kind));
  if (new Set(results).size === 1) return `\`${results[0]}\``;
  const isArray = taken.every((kind, index) => results[index] === `${kind}[]`);
  if (!isArray) expect(results).toEqual(taken.map((kind) => `${kind}?`));
  return isArray ? 'array of the input' : 'type of the input, nullable';
}

function emptyCell(aggregation: Aggregation): string {
  const value = aggregation.evaluate(aggregation.algebra({ kind: 'int' }, PARAMS).create(), PARAMS);
  if (value === null || value === OVER_LIMIT) return String(value);
  if (typeof value === 'number') return `\`${value}\``;
  if (!Array.isArray(value)) throw new Error('an empty window gives a number, null or a list');
  return value.length === 0 ? '`[]`' : 'zeros';
}

function paramsCell(aggregation: Aggregation): string {
  const texts = aggregation.params.map(({ name, kind, min, max, defaultValue }) => {
    if (kind === 'increasing numbers') return `\`${name}\` ${kind}`;
    return `\`${name}\` ${min} to ${max}${defaultValue === null ? '' : ` (${defaultValue} if absent)`}`;
  });
  return texts.join(', ');
}

test('the table of the documentation is the table of the program', () => {
  const expected = [...AGGREGATIONS.values()].map((aggregation) => {
    const cells = [inputCell(aggregation), resultCell(aggregation), emptyCell(aggregation), paramsCell(aggregation)];
    return `| \`${aggregation.name}\` | ${cells.join(' | ')} |`.replace('|  |', '| |');
  });
  expect(ROWS).toEqual(expected);
});

test('the figures of the documentation are those of the program', () => {
  const flat = TEXT.replaceAll(/\s+/g, ' ');
  expect(flat).toContain(`${REGISTERS.toLocaleString('en')} registers`);
  expect(flat).toContain(`at most ${SKETCH_BYTES_MAX.toLocaleString('en')}.`);
  expect(flat).toContain(`standard error is **${(104 / Math.sqrt(REGISTERS)).toFixed(1)} %**`);
  expect(flat).toContain(`at most ${BUCKETS_MAX.toLocaleString('en')} buckets`);
  expect(flat).toContain(`relative error of ${RELATIVE_ERROR_MAX * 100} %`);
  expect(flat).toContain(`there may be ${EDGES_MAX}.`);
});
