import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createCorruptStates } from '../../src/serve/corrupt-states.ts';

function start() {
  const lines: Record<string, unknown>[] = [];
  const clock = { ms: 5_000, nowMs: (): number => clock.ms };
  const logger = pino({ base: null }, { write: (line: string) => lines.push(JSON.parse(line) as never) });
  const said = () =>
    lines.map(({ msg, level, shard, view, reason, unsaid }) => ({ msg, level, shard, view, reason, unsaid }));
  return { ...createCorruptStates(logger, clock), clock, said };
}

const LINE = { msg: 'corrupt state', level: 50, shard: 's/k/0', view: 'v@1', reason: 'torn', unsaid: 0 };

test('the first corrupt state is told of at once, with where it is and why', () => {
  const { report, said } = start();
  report('s/k/0', 'v@1', 'torn');
  expect(said()).toEqual([LINE]);
});

test('those that follow within a second are counted, and the count is told with the next one', () => {
  const { report, said, clock } = start();
  for (let row = 0; row < 1_000; row++) report('s/k/0', 'v@1', 'torn');
  report('s/k/1', 'w@1', 'short');
  clock.ms += 999;
  report('s/k/0', 'v@1', 'torn');
  expect(said()).toEqual([LINE]);
  clock.ms += 1;
  report('s/k/1', 'w@1', 'short');
  expect(said()).toEqual([LINE, { ...LINE, shard: 's/k/1', view: 'w@1', reason: 'short', unsaid: 1_001 }]);
  clock.ms += 1_000;
  report('s/k/0', 'v@1', 'torn');
  expect(said().at(-1)).toEqual(LINE);
});
