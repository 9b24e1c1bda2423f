/** The conformance cases over REST: appended to the log, materialized, asked for with `as_of`; values to the last bit. */
import { expect, test } from 'vitest';
import { CASES, withoutNegativeZero } from '../../conformance/cases.ts';
import { startHarness } from '../harness.ts';

test.for(CASES.map((each, index) => [index, each.seed, each] as const))(
  'case %i (seed %i): every query over REST, values and statuses',
  async ([, , { definitions, source, service, records, queries }]) => {
    const { vectors } = await startHarness({ definitions, events: { [source]: records } });
    expect(queries.length).toBeGreaterThan(0);
    for (const query of queries) {
      const answer = await vectors(service, { entities: [query.entity], as_of: query.as_of, include: ['status'] });
      expect(answer.status, answer.text).toBe(200);
      const [vector] = answer.json.vectors;
      expect(answer.json.features).toEqual(query.features);
      expect(vector.status).toEqual(query.status);
      // As JSON text: equal text is equal bits, and −0 would show as a difference of sign nowhere.
      expect(JSON.stringify(vector.values)).toBe(JSON.stringify(withoutNegativeZero(query.values)));
    }
  },
);
