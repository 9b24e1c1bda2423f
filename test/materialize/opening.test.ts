import { expect, test } from 'vitest';
import { decideOpening, type OpeningContext } from '../../src/materialize/opening.ts';
import type { Checkpoint } from '../../src/store/store.ts';
import { definitionsOf, NOW_MS } from './support.ts';

const SOURCE = [...definitionsOf().sources.values()][0] as OpeningContext['source'];

function contextOf(overrides: Partial<OpeningContext> = {}): OpeningContext {
  return {
    source: SOURCE,
    range: { partition: 2, startOffset: 0, endOffset: 50, startTimestampMs: NOW_MS - 1_000 },
    partitions: 4,
    sourceEnds: null,
    nowMs: NOW_MS,
    takeoverMs: 10_000,
    owner: { id: 'me', group: 'g' },
    assigned: false,
    rebuild: false,
    statesExpire: true,
    confirmed: false,
    epoch: 0,
    ...overrides,
  };
}

function checkpointOf(overrides: Partial<Checkpoint> = {}): Checkpoint {
  return {
    position: { 2: 30 },
    epoch: 4,
    owner: 'other@h',
    heartbeatMs: NOW_MS,
    caughtUpAtMs: NOW_MS - 5,
    buildTarget: { 2: 20 },
    completeFromMs: 7,
    partitions: 4,
    transitPosition: null,
    buildStartedMs: 1,
    receivedAtMs: null,
    erasing: null,
    watermarkMs: 9,
    ...overrides,
  };
}

test('without a checkpoint the lane is built from the first record held, up to where the log ends now', () => {
  expect(decideOpening(null, contextOf())).toEqual({
    kind: 'own',
    ownership: {
      epoch: 1,
      stored: null,
      nextOffset: 0,
      vector: null,
      buildTarget: { 2: 50 },
      completeFromMs: null,
      watermarkMs: null,
      caughtUpAtMs: null,
      receivedAtMs: null,
      buildStartedMs: NOW_MS,
      partitions: 4,
    },
  });
});

test('a build after a rebuild keeps the epoch it had, so that epochs never fall', () => {
  expect(decideOpening(null, contextOf({ epoch: 6 }))).toMatchObject({ ownership: { epoch: 6 } });
});

test('of a log whose records are all gone, anything appended until now may be missing', () => {
  const range = { partition: 2, startOffset: 50, endOffset: 50, startTimestampMs: null };
  const opening = decideOpening(null, contextOf({ range }));
  expect(opening).toMatchObject({ ownership: { nextOffset: 50, completeFromMs: NOW_MS + SOURCE.maxAheadMs + 1 } });
});

test('a claim resumes at the checkpoint with all it says, and a greater epoch', () => {
  const opening = decideOpening(checkpointOf({ owner: '' }), contextOf());
  expect(opening).toEqual({
    kind: 'own',
    ownership: {
      epoch: 5,
      stored: { position: { 2: 30 }, buildStartedMs: 1 },
      nextOffset: 30,
      vector: null,
      buildTarget: { 2: 20 },
      completeFromMs: 7,
      buildStartedMs: 1,
      partitions: 4,
      receivedAtMs: null,
      watermarkMs: 9,
      caughtUpAtMs: NOW_MS - 5,
    },
  });
});

test.each<[string, Partial<Checkpoint>, Partial<OpeningContext>, string, number | null]>([
  ['a released lane is claimed at once', { owner: '' }, {}, 'own', 5],
  [
    'a member of the group that lost the partition to us is not waited for',
    { owner: 'peer@g' },
    { assigned: true },
    'own',
    5,
  ],
  ['a member of the group that fenced us is', { owner: 'peer@g' }, { assigned: false }, 'standby', null],
  ['another group is, too, whoever was assigned what', { owner: 'peer@h' }, { assigned: true }, 'standby', null],
  ['our own lane goes on in its epoch after a rewind', { owner: 'me@g' }, { epoch: 4 }, 'own', 4],
  ['our own lane is taken anew when it is assigned anew', { owner: 'me@g' }, { assigned: true }, 'own', 5],
  ['a store that forgot our epoch gets it again', { owner: 'me@g', epoch: 2 }, { epoch: 4 }, 'own', 4],
  ['a heartbeat of exactly the limit is alive', { heartbeatMs: NOW_MS - 10_000 }, {}, 'standby', null],
  ['an older one is not, and is looked at once more', { heartbeatMs: NOW_MS - 10_001 }, {}, 'standby', null],
  [
    'still older when a batch has come since: it is gone',
    { heartbeatMs: NOW_MS - 10_001 },
    { confirmed: true },
    'own',
    5,
  ],
  ['or when the group has just given us the partition', { heartbeatMs: NOW_MS - 10_001 }, { assigned: true }, 'own', 5],
  ['a store that went back to before our epoch is taken at once', { owner: 'peer@g' }, { epoch: 5 }, 'own', 5],
])('%s', (_name, checkpoint, context, kind, epoch) => {
  const opening = decideOpening(checkpointOf(checkpoint), contextOf(context));
  expect(opening.kind).toBe(kind);
  if (opening.kind === 'own') expect(opening.ownership.epoch).toBe(epoch);
});

test.each([
  ['before the log begins', { partition: 2, startOffset: 31, endOffset: 50, startTimestampMs: NOW_MS }],
  ['beyond where it ends', { partition: 2, startOffset: 0, endOffset: 29, startTimestampMs: NOW_MS }],
])('a checkpoint %s is a gap, whoever owns it', (_name, range) => {
  expect(decideOpening(checkpointOf(), contextOf({ range }))).toEqual({ kind: 'log_gap', position: 30 });
});

test('a checkpoint exactly at either end of the log is none', () => {
  const at = (startOffset: number, endOffset: number): string =>
    decideOpening(
      checkpointOf({ owner: '' }),
      contextOf({ range: { partition: 2, startOffset, endOffset, startTimestampMs: null } }),
    ).kind;
  expect([at(30, 50), at(0, 30)]).toEqual(['own', 'own']);
});

test('a topic that has grown is an error that says what to do, never another reading of the states', () => {
  const opening = decideOpening(checkpointOf({ owner: '' }), contextOf({ partitions: 5 }));
  expect(opening).toEqual({ kind: 'partition_count_changed', built: 4, partitions: 5 });
});

test('states that are of no use are built again above their checkpoint, as another build', () => {
  const checkpoint = checkpointOf({ owner: '', buildStartedMs: NOW_MS + 7 });
  expect(decideOpening(checkpoint, contextOf({ rebuild: true }))).toMatchObject({
    kind: 'own',
    ownership: {
      epoch: 5,
      stored: { buildStartedMs: NOW_MS + 7 },
      nextOffset: 0,
      vector: null,
      buildTarget: { 2: 50 },
      buildStartedMs: NOW_MS + 8,
    },
  });
  expect(decideOpening(checkpointOf(), contextOf({ rebuild: true }))).toMatchObject({ kind: 'standby' });
});

test('a checkpoint that nobody kept for longer than the slack is built again, for states may be forgotten', () => {
  const at = (heartbeatMs: number, statesExpire = true) =>
    decideOpening(checkpointOf({ heartbeatMs, owner: '' }), contextOf({ statesExpire }));
  // What never expires is never in doubt.
  expect(at(0, false)).toMatchObject({ ownership: { nextOffset: 30, buildStartedMs: 1 } });
  expect(at(NOW_MS - SOURCE.expirySlackMs)).toMatchObject({ ownership: { nextOffset: 30, buildStartedMs: 1 } });
  expect(at(NOW_MS - SOURCE.expirySlackMs - 1)).toMatchObject({ ownership: { nextOffset: 0, buildStartedMs: NOW_MS } });
});
