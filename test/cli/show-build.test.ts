import { expect, test } from 'vitest';
import { showBuild } from '../../src/cli/show-build.ts';
import type { MaterializerStatus } from '../../src/materialize/status.ts';

/** Of one source: no views before partitions are assigned, then one lane in this state. */
function statusOf(state: 'building' | 'live' | null): MaterializerStatus {
  const views = state === null ? [] : [{ partitions: [{ state, position: 5, buildTarget: 10 }] }];
  return { mode: 'running', sources: [{ views }] } as unknown as MaterializerStatus;
}

test('it is built when every source has lanes, and none of them builds', async () => {
  const states = [null, 'building', 'live'] as const;
  let asked = 0;
  await showBuild(() => statusOf(states[Math.min(asked++, 2)] as (typeof states)[number]));
  expect(asked).toBe(3);
});
