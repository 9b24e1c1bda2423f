/** What is published on a shard's channel: by commits, or by anybody. */
import { expect, test } from 'vitest';
import { noticeOf } from '../../src/store/notices.ts';
import { formatNotice, parseNotice } from '../../src/store/redis-notices.ts';
import { commitOf } from './redis-support.ts';

const COMMIT = commitOf({ from: 1, to: 3, changes: { a: 0, 'b"': 0 } });
const [SECTION] = noticeOf(COMMIT).sections;

test('what a commit tells is heard as it was told', () => {
  for (const commit of [COMMIT, commitOf({ from: null, to: 1 }), { ...COMMIT, sections: [] }]) {
    expect(parseNotice(formatNotice(commit))).toEqual({ sections: noticeOf(commit).sections });
  }
});

const WRONG: readonly unknown[] = [
  'no object',
  null,
  [],
  {},
  { sections: {} },
  { sections: [null] },
  { sections: [[]] },
  { sections: ['f'] },
  { sections: [{ fingerprint: 'f' }] },
  { sections: [SECTION, null] },
  ...[
    { fingerprint: 1 },
    { entities: null },
    { entities: 'ab' },
    { entities: [1] },
    { expected: undefined },
    { expected: 3 },
    { expected: {} },
    { expected: { ...SECTION?.expected, position: null } },
    { expected: { ...SECTION?.expected, buildStartedMs: '1' } },
    { checkpoint: null },
    { checkpoint: [] },
    { checkpoint: { ...SECTION?.checkpoint, position: { 0: '3' } } },
    { checkpoint: { ...SECTION?.checkpoint, buildTarget: undefined } },
    { checkpoint: { ...SECTION?.checkpoint, partitions: null } },
    { checkpoint: { ...SECTION?.checkpoint, heartbeatMs: 'now' } },
    { checkpoint: { ...SECTION?.checkpoint, watermarkMs: {} } },
  ].map((wrong) => ({ sections: [{ ...SECTION, ...wrong }] })),
];

test('what has another shape than commits give it is no notice, however little it differs', () => {
  for (const message of WRONG) {
    const text = JSON.stringify(message);
    expect(parseNotice(text), text).toBeNull();
  }
});

test('text that is not JSON is no notice', () => {
  for (const text of ['', '{', 'hello']) expect(parseNotice(text)).toBeNull();
});
