/** How stored states are decoded, by state fingerprint: views that share one lay their states out alike. */
import { AGGREGATIONS } from '../aggregate/table.ts';
import type { StateDecoder } from '../cache/shard-reader.ts';
import { assert } from '../core/assert.ts';
import type { Definitions } from '../definition/definition.ts';
import { decodeState } from '../state/codec.ts';
import { compilePlan } from '../state/plan.ts';

export function createStateDecoder({ views }: Definitions): StateDecoder {
  const plans = new Map([...views.values()].map((view) => [view.stateFingerprint, compilePlan(view, AGGREGATIONS)]));
  return (fingerprint, stored, before) => {
    const plan = plans.get(fingerprint);
    assert(plan !== undefined, `a view has the state fingerprint ${fingerprint}`);
    return decodeState(plan, stored, before);
  };
}
