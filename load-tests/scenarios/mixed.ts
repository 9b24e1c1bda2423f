/** 500 events a second are written while four reads in five are of the same few cards; some reads wait for their own writes. */
import { steadyOptions } from '../k6/plan.ts';

export { hotCardRow } from '../k6/flows.ts';
export { writeEvents, writeThenRead } from '../k6/writes.ts';
export { handleSummary } from '../k6/summary.ts';

/** At 150 iterations a second: 100 reads, and 50 writes of ten events each. */
export const options = steadyOptions([
  { exec: 'hotCardRow', share: 2 / 3 },
  { exec: 'writeEvents', share: 0.3 },
  { exec: 'writeThenRead', share: 1 / 30 },
]);
