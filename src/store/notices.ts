/** Telling of commits within one process, for a store whose commits are made here: each subscriber hears at once. */
import { placeOf } from './place.ts';
import type { Commit, CommitListener, CommitNotice, ShardId, Subscription } from './store.ts';

export interface Notices {
  /** After the commit was applied. */
  tell(commit: Commit): void;
  subscribe(listener: CommitListener): Subscription;
}

export function createNotices(): Notices {
  const subscribers = new Map<CommitListener, Set<string>>();
  return {
    tell(commit) {
      if (subscribers.size === 0) return;
      const name = nameOf(commit.shard);
      const notice = noticeOf(commit);
      for (const [listener, followed] of subscribers) if (followed.has(name)) listener.onCommit(notice);
    },
    subscribe(listener) {
      const followed = new Set<string>();
      subscribers.set(listener, followed);
      return {
        follow(shard) {
          followed.add(nameOf(shard));
          listener.onBegin(shard);
        },
        unfollow: (shard) => void followed.delete(nameOf(shard)),
        close() {
          subscribers.delete(listener);
          return Promise.resolve();
        },
      };
    },
  };
}

export function noticeOf({ shard, sections }: Commit): CommitNotice {
  return {
    shard,
    sections: sections.map(({ fingerprint, expected, checkpoint, changes }) => ({
      fingerprint,
      expected: expected === null ? null : placeOf(expected),
      checkpoint,
      entities: changes.map(({ entity }) => entity),
    })),
  };
}

function nameOf({ source, entityKey, partition }: ShardId): string {
  return JSON.stringify([source, entityKey, partition]);
}
