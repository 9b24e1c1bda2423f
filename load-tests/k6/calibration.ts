/** Drives the null route at the scenario's rate: what this machine makes of a request on which nothing is to be done. */
import http from 'k6/http';
import { type Options } from 'k6/options';
import { WARM_UP_SECONDS } from '../workload.ts';
import { run, steadyPart } from './plan.ts';

const SECONDS = 5;
const METRIC = 'http_req_duration{phase:measured,expected_response:true}';
const nullParts = { exec: 'askNullRoute', perSecond: run.load.perSecond };

export const options: Options = {
  scenarios: {
    warm_up: steadyPart({ ...nullParts, startSeconds: 0, seconds: WARM_UP_SECONDS }),
    measured: steadyPart({ ...nullParts, startSeconds: WARM_UP_SECONDS, seconds: SECONDS }),
  },
  // Names the part whose percentiles are wanted; what they may be is for nobody to say.
  thresholds: { [METRIC]: ['p(50)>0'] },
  summaryTrendStats: ['p(50)', 'p(95)', 'p(99)'],
};

export function askNullRoute(): void {
  http.get(run.nullUrl, { tags: { name: 'null_route' } });
}

interface Summary {
  readonly metrics: Readonly<Record<string, { readonly values: Readonly<Record<string, number>> }>>;
}

export function handleSummary({ metrics }: Summary): Readonly<Record<string, string>> {
  const values = metrics[METRIC]?.values ?? {};
  const measured = { p50: values['p(50)'], p95: values['p(95)'], p99: values['p(99)'] };
  return { [`${run.reports}/calibration.json`]: JSON.stringify(measured) };
}
