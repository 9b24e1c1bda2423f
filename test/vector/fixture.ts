/** A service over two views, and evaluations of them made by hand: assembly is tested without engine, log or store. */
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import type { Status } from '../../src/core/status.ts';
import type { Value } from '../../src/core/value.ts';
import { loadDefinitions } from '../../src/definition/load.ts';
import type { AppearanceOutcome } from '../../src/vector/assemble.ts';
import { type ServicePlan, compileService } from '../../src/vector/service.ts';

const SOURCE = `
sources:
  - name: s
    topic: s
    format: json
    key: [k]
    event_time: ts
    clock: watermark
    fields: { k: string, ts: timestamp, x: "double?", l: "int64?", t: "timestamp?" }
entities: [{ name: one, keys: { k: string } }]
views:
  - name: v
    entity: one
    source: s
    features:
      - { name: x, agg: last, of: x }
      - { name: l, agg: last, of: l }
      - { name: ago, agg: time_since_last, default: 5 }
  - name: w
    entity: one
    source: s
    features:
      - { name: y, agg: mean, of: x }
`;

/** `derived`: name → expression. */
export function serviceWith(derived: Readonly<Record<string, string>>, inputs = 'a: "int?"'): ServicePlan {
  const lines = Object.entries(derived).map(([name, expr]) => `      - { name: ${name}, expr: "${expr}" }`);
  const declared = lines.length === 0 ? '' : `    derived:\n${lines.join('\n')}\n`;
  const text = `${SOURCE}services:\n  - name: svc\n    inputs: { ${inputs} }\n    features: [v.*, w.*]\n${declared}`;
  const result = loadDefinitions([{ path: 'x.yaml', text }], AGGREGATIONS);
  if (!result.ok) throw new Error(JSON.stringify(result.problems, null, 2));
  const service = result.definitions.services.get('svc@1');
  if (service === undefined) throw new Error('no service');
  return compileService(service, AGGREGATIONS);
}

/** One value with its status for each feature of a view; the event time is the same for all. */
export function evaluated(
  cells: readonly (readonly [Value, Status])[],
  stale = false,
  eventTimeMs: number | null = 1_000,
): AppearanceOutcome {
  return {
    kind: 'evaluated',
    stale,
    evaluation: {
      values: cells.map(([value]) => value),
      statuses: cells.map(([, status]) => status),
      eventTimesMs: cells.map(() => eventTimeMs),
      fromMs: 0,
      untilMs: Number.POSITIVE_INFINITY,
    },
  };
}

export const PRESENT_V = evaluated([
  [2, 'PRESENT'],
  [7n, 'PRESENT'],
  [400, 'PRESENT'],
]);
export const PRESENT_W = evaluated([[8, 'PRESENT']], false, 2_000);
