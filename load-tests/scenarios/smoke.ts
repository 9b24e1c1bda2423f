/** A little of everything: what a build must pass. */
import { steadyOptions } from '../k6/plan.ts';

export { cardByGet, cardRow, flightBatch, flightRow } from '../k6/flows.ts';
export { writeThenRead } from '../k6/writes.ts';
export { handleSummary } from '../k6/summary.ts';

export const options = steadyOptions([
  { exec: 'flightRow', share: 0.4 },
  { exec: 'cardRow', share: 0.3 },
  { exec: 'cardByGet', share: 0.1 },
  { exec: 'flightBatch', share: 0.1 },
  { exec: 'writeThenRead', share: 0.1 },
]);
