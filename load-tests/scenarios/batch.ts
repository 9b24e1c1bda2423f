/** A hundred rows of 57 features a request: what ranking asks for. */
import { steadyOptions } from '../k6/plan.ts';

export { flightBatch } from '../k6/flows.ts';
export { handleSummary } from '../k6/summary.ts';

export const options = steadyOptions([{ exec: 'flightBatch', share: 1 }]);
