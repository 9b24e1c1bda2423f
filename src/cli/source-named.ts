/** The source that a flag names. */
import { UsageError } from '../flag-values.ts';
import { nearestName } from '../core/suggest.ts';
import type { Definitions, SourceDefinition } from '../definition/definition.ts';

export function sourceNamed({ sources }: Definitions, name: string): SourceDefinition {
  const source = sources.get(name);
  if (source !== undefined) return source;
  const near = nearestName(name, sources.keys());
  throw new UsageError(
    `there is no source ${name}; ${near === null ? `defined are: ${[...sources.keys()].join(', ')}` : `did you mean ${near}?`}`,
  );
}
