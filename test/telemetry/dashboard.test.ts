/** The dashboard for Grafana asks for what `/metrics` tells, and for all of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { labelsByMetric, type MetricType, scrapeEverything, typesIn } from '../serve/metrics/scrape.ts';
import { askedBy } from './promql.ts';

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}
interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] };
}

const TEXT = readFileSync(join(import.meta.dirname, '../../deploy/grafana/skewless.json'), 'utf8');
const DASHBOARD = JSON.parse(TEXT) as Dashboard;
const QUERIES = DASHBOARD.panels.flatMap(({ title, targets = [] }) => targets.map((target) => ({ title, ...target })));
/** Prometheus adds these to whatever it scrapes. */
const OF_PROMETHEUS = ['job', 'instance'];
/** Labels that a scrape shows only while something is wrong. */
const SOMETIMES: Readonly<Record<string, readonly string[]>> = { skewless_source_waiting: ['code'] };
/** What no panel shows, and why not. */
const NOT_SHOWN = new Set([
  // A time, of which the age is shown.
  'skewless_shard_watermark_seconds',
  // Names who writes; its number means nothing.
  'skewless_lane_epoch',
  'target_info',
]);

interface Told {
  readonly types: ReadonlyMap<string, MetricType>;
  readonly labels: ReadonlyMap<string, ReadonlySet<string>>;
}

let scraped: Promise<string> | null = null;

/** Scraped once, by the first test that asks. */
async function told(): Promise<Told> {
  scraped ??= scrapeEverything();
  const text = await scraped;
  return { types: typesIn(text), labels: labelsByMetric(text) };
}

/** Null: nothing is told under that name. */
function metricOf({ types }: Told, sample: string): string | null {
  if (types.has(sample)) return types.get(sample) === 'histogram' ? null : sample;
  const name = sample.replace(/_(bucket|count|sum)$/, '');
  return types.get(name) === 'histogram' ? name : null;
}

function labelsOf(seen: Told, sample: string): ReadonlySet<string> {
  const name = metricOf(seen, sample) ?? '';
  const own = [...(seen.labels.get(name) ?? []), ...(SOMETIMES[name] ?? []), ...OF_PROMETHEUS];
  return new Set(sample.endsWith('_bucket') ? [...own, 'le'] : own);
}

test('every query is PromQL over samples and labels that a scrape has', async () => {
  const seen = await told();
  expect(QUERIES.length).toBeGreaterThan(20);
  for (const { title, expr, legendFormat } of QUERIES) {
    const { selectors, grouped } = askedBy(expr);
    expect(selectors.length).toBeGreaterThan(0);
    const known = new Set(selectors.flatMap(({ sample }) => [...labelsOf(seen, sample)]));
    for (const { sample, labels: matched } of selectors) {
      expect([title, sample, metricOf(seen, sample) !== null]).toEqual([title, sample, true]);
      for (const label of matched)
        expect([title, sample, [...labelsOf(seen, sample)]]).toEqual([title, sample, expect.arrayContaining([label])]);
    }
    const inLegend = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
    for (const label of [...grouped, ...inLegend])
      expect([title, label, known.has(label)]).toEqual([title, label, true]);
    // What is grouped away cannot be in a legend.
    if (grouped.length > 0)
      for (const label of inLegend) expect([title, grouped]).toEqual([title, expect.arrayContaining([label])]);
  }
});

test('counters and histograms are asked for rates, gauges are not', async () => {
  const { types } = await told();
  for (const { title, expr } of QUERIES) {
    for (const { sample } of askedBy(expr).selectors) {
      const isCounted = types.get(sample) !== 'gauge';
      const isRated = new RegExp(`\\brate\\(${sample}\\{`).test(expr);
      expect([title, sample, isRated]).toEqual([title, sample, isCounted]);
    }
  }
});

test('every metric is on the dashboard, but for those that say nothing there', async () => {
  const seen = await told();
  const shown = new Set(
    QUERIES.flatMap(({ expr }) => askedBy(expr).selectors.map(({ sample }) => metricOf(seen, sample))),
  );
  expect(new Set([...seen.types.keys()].filter((name) => !shown.has(name)))).toEqual(NOT_SHOWN);
});

test('it is as Grafana wants it: panels with places and queries on the data source that is chosen', () => {
  const validate = new Ajv({ allErrors: true }).compile(DASHBOARD_SCHEMA);
  expect([validate(DASHBOARD), validate.errors]).toEqual([true, null]);
  const ids = DASHBOARD.panels.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(DASHBOARD.templating.list[0]).toMatchObject({ name: 'datasource', type: 'datasource', query: 'prometheus' });
  const variables = new Set(DASHBOARD.templating.list.map(({ name }) => name));
  for (const [, name = ''] of TEXT.matchAll(/\$\{?(\w+)/g)) {
    expect([name, variables.has(name) || name.startsWith('__')]).toEqual([name, true]);
  }
  const overlapping = DASHBOARD.panels.flatMap((one) =>
    DASHBOARD.panels.filter((other) => other !== one && overlap(one, other)).map((other) => [one.title, other.title]),
  );
  expect(overlapping).toEqual([]);
});

function overlap({ gridPos: a }: Panel, { gridPos: b }: Panel): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

test('a query of what nobody tells is noticed', async () => {
  const seen = await told();
  expect(askedBy('sum by (a) (rate(b_total{c="d"}[$__rate_interval]))')).toEqual({
    selectors: [{ sample: 'b_total', labels: ['c'] }],
    grouped: ['a'],
  });
  expect(() => askedBy('sum(rate(b_total)')).toThrow(/not PromQL/);
  expect(['b_total', 'http_server_request_duration_seconds'].map((name) => metricOf(seen, name))).toEqual([null, null]);
});

const DATASOURCE_SCHEMA = {
  type: 'object',
  required: ['type', 'uid'],
  properties: { type: { const: 'prometheus' }, uid: { const: '${datasource}' } },
};
/** The parts of Grafana's dashboard model that it does not fill in by itself. */
const DASHBOARD_SCHEMA = {
  type: 'object',
  required: ['uid', 'title', 'schemaVersion', 'version', 'time', 'templating', 'annotations', 'panels'],
  properties: {
    uid: { type: 'string', pattern: '^[a-zA-Z0-9_-]{1,40}$' },
    title: { type: 'string', minLength: 1 },
    schemaVersion: { type: 'integer', minimum: 36 },
    time: { type: 'object', required: ['from', 'to'] },
    annotations: { type: 'object', required: ['list'] },
    panels: {
      type: 'array',
      items: {
        type: 'object',
        required: ['id', 'type', 'title', 'gridPos'],
        properties: {
          id: { type: 'integer', minimum: 1 },
          type: { enum: ['row', 'timeseries', 'stat'] },
          title: { type: 'string', minLength: 1 },
          gridPos: {
            type: 'object',
            required: ['h', 'w', 'x', 'y'],
            properties: {
              h: { type: 'integer', minimum: 1 },
              w: { type: 'integer', minimum: 1, maximum: 24 },
              x: { type: 'integer', minimum: 0, maximum: 23 },
              y: { type: 'integer', minimum: 0 },
            },
          },
        },
        if: { properties: { type: { const: 'row' } } },
        // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
        then: { required: ['collapsed', 'panels'] },
        else: {
          required: ['datasource', 'targets', 'fieldConfig', 'options'],
          properties: {
            datasource: DATASOURCE_SCHEMA,
            fieldConfig: { type: 'object', required: ['defaults', 'overrides'] },
            targets: {
              type: 'array',
              minItems: 1,
              items: {
                type: 'object',
                required: ['refId', 'expr', 'datasource', 'legendFormat'],
                properties: { refId: { type: 'string', pattern: '^[A-Z]$' }, datasource: DATASOURCE_SCHEMA },
              },
            },
          },
        },
      },
    },
  },
};
