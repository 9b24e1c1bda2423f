/** What the runner tells a script, in one variable. */
import type { ByPercentile, Load, ScenarioName } from '../budgets.ts';

export interface Environment {
  readonly scenario: ScenarioName;
  /** Of the server under load. */
  readonly url: string;
  /** Answers at once, always the same: what it takes is this machine's doing. */
  readonly nullUrl: string;
  /** Where a scenario asks for faults. */
  readonly controlUrl: string;
  readonly load: Load;
  readonly factors: ByPercentile;
  readonly nullRouteMs: ByPercentile;
  /** Cards with payments: 0 to this. */
  readonly cards: number;
  /** Folder of the reports. */
  readonly reports: string;
}

/** The variable's name. */
const VARIABLE = 'LOAD';

export function environment(): Environment {
  const text = __ENV[VARIABLE];
  if (text === undefined) throw new Error('these scripts are run by `npm run load`, which starts what they drive');
  return JSON.parse(text) as Environment;
}
