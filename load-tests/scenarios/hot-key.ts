/** Everybody asks for the same entity. */
import { steadyOptions } from '../k6/plan.ts';

export { hottestCardRow } from '../k6/flows.ts';
export { handleSummary } from '../k6/summary.ts';

export const options = steadyOptions([{ exec: 'hottestCardRow', share: 1 }]);
