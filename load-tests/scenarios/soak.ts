/** Reads and writes for a long time, with a load that grows and falls: what leaks, or slows down, shows. */
import { rampingOptions } from '../k6/plan.ts';

export { cardRow, flightRow, hotCardRow } from '../k6/flows.ts';
export { writeThenRead } from '../k6/writes.ts';
export { watchMemory } from '../k6/memory.ts';
export { handleSummary } from '../k6/summary.ts';

export const options = rampingOptions(
  [
    { exec: 'flightRow', share: 0.4 },
    { exec: 'hotCardRow', share: 0.3 },
    { exec: 'cardRow', share: 0.2 },
    { exec: 'writeThenRead', share: 0.1 },
  ],
  'watchMemory',
);
