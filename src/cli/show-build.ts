/** A bar while shards build: how far the materializer of this process is from the log's end. */
import { setTimeout as delay } from 'node:timers/promises';
import type { MaterializerStatus } from '../materialize/status.ts';
import { showProgress } from './progress.ts';

const POLL_MS = 100;

/** Resolves when no shard of this process builds any more: all are live, stand by, or failed. */
export async function showBuild(status: () => MaterializerStatus): Promise<void> {
  const progress = showProgress('Folding'.padEnd(20));
  for (;;) {
    const { mode, sources } = status();
    const lanes = sources.flatMap((source) => source.views.flatMap((view) => view.partitions));
    // A source has no views to tell of before the log has given it partitions.
    const settled = sources.every(({ views }) => views.length > 0);
    const building = lanes.filter(({ state }) => state === 'opening' || state === 'building');
    const done = lanes.reduce((sum, { position }) => sum + (position ?? 0), 0);
    const target = lanes.reduce((sum, { buildTarget, position }) => sum + Math.max(buildTarget ?? 0, position ?? 0), 0);
    if (mode !== 'running' || (settled && building.length === 0)) {
      progress.finish(`${done} records`);
      return;
    }
    progress.update(target === 0 ? null : done / target, `${done} records`);
    await delay(POLL_MS);
  }
}
