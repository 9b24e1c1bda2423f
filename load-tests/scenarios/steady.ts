/** One row a request, of many entities, at a rate that is meant to be kept up for good. */
import { steadyOptions } from '../k6/plan.ts';

export { cardRow, flightRow } from '../k6/flows.ts';
export { handleSummary } from '../k6/summary.ts';

export const options = steadyOptions([
  { exec: 'flightRow', share: 0.5 },
  { exec: 'cardRow', share: 0.5 },
]);
