/** Holds events against OpenLineage's schemas: the event, and each facet against the schema that it names. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'vitest';
import type { Emitter } from '../../src/openlineage/emitter.ts';
import type { Dataset, Facet, RunEvent } from '../../src/openlineage/event.ts';
import { producerOf } from '../../src/openlineage/event.ts';
import type { Reporter } from '../../src/openlineage/run.ts';
import { OPENLINEAGE_SCHEMAS } from './schemas.ts';

const ajv = new Ajv2020({ allErrors: true, strict: false });
ajv.addFormat('uri', /^[a-z][a-z0-9+.-]*:[^\s]+$/);
ajv.addFormat('uuid', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/);
for (const schema of OPENLINEAGE_SCHEMAS) ajv.addSchema(schema);

/** What the schemas say against the event; nothing, where it is as published. */
export function faultsOf(event: RunEvent): string[] {
  const facets = [event.run, event.job, ...event.inputs, ...event.outputs].flatMap((each) =>
    Object.values((each as { readonly facets: Readonly<Record<string, Facet>> }).facets),
  );
  return [faultsBy(event.schemaURL, event), ...facets.map((facet) => faultsBy(facet._schemaURL, facet))].flat();
}

function faultsBy(schemaUrl: string, value: unknown): string[] {
  const validate = ajv.getSchema(schemaUrl);
  if (validate === undefined) return [`no schema ${schemaUrl}`];
  if (validate(value) === true) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${schemaUrl} ${instancePath}: ${message}`);
}

export function expectValid(events: readonly RunEvent[]): void {
  expect(events.length).toBeGreaterThan(0);
  expect(events.flatMap(faultsOf)).toEqual([]);
}

/** A reporter whose events are kept. */
export function keepingReporter(): { readonly reporter: Reporter; readonly events: RunEvent[]; nowMs: number } {
  const events: RunEvent[] = [];
  const emitter: Emitter = {
    emit: (event) => void events.push(JSON.parse(JSON.stringify(event)) as RunEvent),
    report: () => ({ sent: events.length, failed: 0, dropped: 0 }),
    close: () => Promise.resolve(),
  };
  const kept = {
    events,
    nowMs: Date.UTC(2024, 0, 31),
    reporter: { emitter, producer: producerOf('1.2.3'), version: '1.2.3', clock: { nowMs: () => kept.nowMs } },
  };
  return kept;
}

/** `output column ← input column: how`, sorted. */
export function drawnColumns({ facets }: Dataset): string[] {
  const fields = facets['columnLineage']?.['fields'] as Readonly<
    Record<string, { readonly inputFields: readonly InputField[] }>
  >;
  return Object.entries(fields).flatMap(([name, { inputFields }]) =>
    inputFields.map(({ namespace, name: dataset, field, transformations }) => {
      const how = transformations.map(({ type, subtype }) => `${type} ${subtype}`).join(', ');
      return `${name} ← ${namespace} ${dataset} ${field}: ${how}`;
    }),
  );
}

interface InputField {
  readonly namespace: string;
  readonly name: string;
  readonly field: string;
  readonly transformations: readonly { readonly type: string; readonly subtype: string }[];
}
