/** What subscribers hear of a commit, as text: JSON, entities by name, so that a reader drops those it holds and no other. */
import { noticeOf } from './notices.ts';
import type { Commit, CommitNotice } from './store.ts';

export function formatNotice(commit: Commit): string {
  return JSON.stringify(noticeOf(commit));
}

/** Null for what no commit of ours has sent: anybody may publish. */
export function parseNotice(text: string): CommitNotice | null {
  try {
    const notice = JSON.parse(text) as Partial<CommitNotice> | null;
    return Array.isArray(notice?.sections) ? (notice as CommitNotice) : null;
  } catch {
    return null;
  }
}
