/** Definitions and records for the tests of decoding. */
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import type { Definitions, SourceDefinition, ViewDefinition } from '../../src/definition/definition.ts';
import { loadDefinitions } from '../../src/definition/load.ts';
import type { LogRecord, ViewOutcome } from '../../src/event/event.ts';

const TEXT_ENCODER = new TextEncoder();

export const APPENDED_MS = 1_700_000_000_000;

export function load(text: string): Definitions {
  const result = loadDefinitions([{ path: 'test.yaml', text }], AGGREGATIONS);
  if (!result.ok) throw new Error(JSON.stringify(result.problems, null, 2));
  return result.definitions;
}

export function sourceOf(definitions: Definitions): SourceDefinition {
  return [...definitions.sources.values()][0] as SourceDefinition;
}

export function viewsOf(definitions: Definitions): readonly ViewDefinition[] {
  return [...definitions.views.values()];
}

/** A record that holds this JSON text (or any value as JSON), appended at `APPENDED_MS`. */
export function recordOf(json: unknown, overrides: Partial<LogRecord> = {}): LogRecord {
  const value = TEXT_ENCODER.encode(typeof json === 'string' ? json : JSON.stringify(json));
  return { partition: 0, offset: 0, timestampMs: APPENDED_MS, key: null, value, ...overrides };
}

/** `event`, `filtered`, `null_key`, or the rejection's code. */
export function kindOf(outcome: ViewOutcome | undefined): string {
  if (outcome === undefined) return 'none';
  return outcome.kind === 'rejected' ? outcome.code : outcome.kind;
}
