/** Fragments that hang on a state: what was rendered for it once serves again while it holds (row-evaluation.ts). */
import type { StateEntry } from '../../../cache/state-entry.ts';
import type { Fragment } from '../../../vector/fragment.ts';
import type { ViewPart } from '../../../vector/row-plan.ts';

/** Of one state: one for each choice of features and each layout that is asked for. */
const FRAGMENTS_MAX = 32;

export type StateWithFragments = StateEntry & { readonly kind: 'state' };

/** What hangs on the entry. The last one that was asked for is mostly the next. */
export function fragmentAt(entry: StateWithFragments, part: ViewPart): Fragment | undefined {
  if (entry.lastMaker === part) return entry.lastFragment as Fragment;
  const fragment = entry.fragments.get(part) as Fragment | undefined;
  if (fragment !== undefined) remember(entry, part, fragment);
  return fragment;
}

function remember(entry: StateWithFragments, part: ViewPart, fragment: Fragment): void {
  entry.lastMaker = part;
  entry.lastFragment = fragment;
}

/** In place of `replaced`; the oldest one leaves where there are too many. */
export function keepFragment(
  entry: StateWithFragments,
  part: ViewPart,
  replaced: Fragment | undefined,
  fragment: Fragment,
): void {
  const { fragments } = entry;
  let bytes = fragment.bytes - (replaced?.bytes ?? 0);
  if (replaced === undefined && fragments.size >= FRAGMENTS_MAX) {
    // The one that was made first; a Map goes by when keys were added.
    const [oldest] = fragments as Map<object, Fragment>;
    if (oldest !== undefined) {
      fragments.delete(oldest[0]);
      bytes -= oldest[1].bytes + dropAhead(entry, oldest[0] as ViewPart);
    }
  }
  fragments.set(part, fragment);
  remember(entry, part, fragment);
  entry.grow(bytes);
}

/** What was made ahead of time (renewal.ts): of parts that have a fragment, and of no others. */
export function aheadOf(entry: StateWithFragments, part: ViewPart): Fragment | undefined {
  return entry.ahead?.get(part) as Fragment | undefined;
}

export function keepAhead(entry: StateWithFragments, part: ViewPart, fragment: Fragment): void {
  const freed = dropAhead(entry, part);
  entry.ahead ??= new Map();
  entry.ahead.set(part, fragment);
  entry.grow(fragment.bytes - freed);
}

/** It leaves if its time has come, or is over. */
export function takeAhead(entry: StateWithFragments, part: ViewPart, asOfMs: number): Fragment | undefined {
  const ahead = aheadOf(entry, part);
  if (ahead === undefined || asOfMs < ahead.fromMs) return undefined;
  entry.grow(-dropAhead(entry, part));
  return ahead;
}

/** Answers the bytes that it took. */
function dropAhead(entry: StateWithFragments, part: ViewPart): number {
  const bytes = aheadOf(entry, part)?.bytes ?? 0;
  entry.ahead?.delete(part);
  return bytes;
}
