/** Nobody asks for an entity twice: every row is a read of the store. */
import { steadyOptions } from '../k6/plan.ts';

export { coldCardRows } from '../k6/flows.ts';
export { handleSummary } from '../k6/summary.ts';

export const options = steadyOptions([{ exec: 'coldCardRows', share: 1 }]);
