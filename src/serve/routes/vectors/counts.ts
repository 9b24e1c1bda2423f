/** How many partitions a request's sources have, within its budget. */
import type { SourceDefinition } from '../../../definition/definition.ts';
import type { Serving } from '../../dependencies.ts';
import type { PartitionCounts } from '../../partitions.ts';
import { TIMED_OUT, within } from '../../time-limit.ts';

/** Then each counts as having one, and what is read there is held against what its checkpoint says (`Partitions.agrees`). */
const NOTHING_KNOWN: PartitionCounts = new Map();

/** Costs no timer where nobody needs to be asked. Who is asked and too late is asked no more: the answer is kept. */
export async function countsWithin(
  { partitions }: Serving,
  sources: readonly SourceDefinition[],
  leftMs: () => number,
): Promise<PartitionCounts> {
  const known = partitions.known(sources);
  if (known !== null) return known;
  const asked = await within(partitions.counts(sources), leftMs());
  return asked === TIMED_OUT ? NOTHING_KNOWN : asked;
}
