/** Who would take a dead letter's record now, by the present definitions and what was erased since. */
import type { Clock } from '../core/clock.ts';
import type { Definitions, SourceDefinition, ViewDefinition } from '../definition/definition.ts';
import { compileChangeReader, Deletion } from '../event/change.ts';
import { compileSourceDecoder } from '../event/decode.ts';
import type { Erasure } from '../event/erasure.ts';
import type { LogRecord, ViewOutcome } from '../event/event.ts';
import { createSchemaTable, type Schemas } from '../event/schemas.ts';
import type { DeadLetter } from '../materialize/dead-letters.ts';
import { voids } from './erase-entity.ts';

export interface Judgement {
  /** Who would take it. */
  readonly takers: readonly string[];
  /** Who would, had its entity not been erased. */
  readonly erased: readonly string[];
}

/** Of the fingerprints that are asked about. */
export interface Judge {
  /** To be awaited before this letter is judged. */
  prepare(letter: DeadLetter): Promise<void>;
  judge(letter: DeadLetter, fingerprints: readonly string[]): Judgement;
}

const NOBODY: Judgement = { takers: [], erased: [] };

export interface JudgeContext {
  readonly definitions: Definitions;
  readonly source: SourceDefinition;
  readonly clock: Clock;
  readonly schemas: Schemas | null;
}

/**
 * Fingerprints of no present view take nothing, and nobody takes a deletion: it happened at its record's time, which a copy
 * does not have.
 */
export function createJudge(
  { definitions, source, clock, schemas }: JudgeContext,
  erasures: readonly Erasure[],
): Judge {
  const views = [...definitions.views.values()].filter((view) => view.source.name === source.name);
  const decoder = compileSourceDecoder(source, views, schemas);
  const table = createSchemaTable(source, schemas);
  const readChange = compileChangeReader(source, table);

  function isErased(letter: DeadLetter, view: ViewDefinition, outcome: ViewOutcome | undefined): boolean {
    if (outcome?.kind !== 'event') return false;
    const { entityKey } = outcome.event;
    return erasures.some((erasure) => voids(erasure, letter, view.keyColumns, entityKey));
  }

  function judge(letter: DeadLetter, fingerprints: readonly string[]): Judgement {
    if (letter.value_base64 === null) return NOBODY;
    const record = recordOfLetter(letter, clock.nowMs());
    if (readChange(record) instanceof Deletion) return NOBODY;
    const outcomes = decoder.decode(record);
    const erased = views.filter((view, index) => isErased(letter, view, outcomes[index]));
    const takers = views.filter((view, index) => outcomes[index]?.kind !== 'rejected' && !erased.includes(view));
    const isOneOf = (some: readonly ViewDefinition[]) => (fingerprint: string) =>
      some.some(({ stateFingerprint }) => stateFingerprint === fingerprint);
    return { takers: fingerprints.filter(isOneOf(takers)), erased: fingerprints.filter(isOneOf(erased)) };
  }

  return {
    judge,
    async prepare(letter) {
      const records = [recordOfLetter(letter, clock.nowMs())];
      await decoder.prepare?.(records);
      await table?.prepare(records);
    },
  };
}

/** `timestampMs`: its append time. */
export function recordOfLetter(
  { partition, offset, key_base64: key, value_base64: value }: DeadLetter,
  timestampMs: number,
): LogRecord {
  return { partition, offset, timestampMs, key: bytesOf(key), value: bytesOf(value) };
}

function bytesOf(base64: string | null): Uint8Array | null {
  return base64 === null ? null : Buffer.from(base64, 'base64');
}
