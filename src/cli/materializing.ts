/** The materializing role of a process: what folds, what is told of its runs, and the definitions that it keeps for receipts. */
import { AGGREGATIONS } from '../aggregate/table.ts';
import { systemClock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { type Materializer, createMaterializer } from '../materialize/materializer.ts';
import { type FollowedStatus, followMaterializer } from '../openlineage/follow-materializer.ts';
import type { Foundation } from './foundation.ts';
import { keepDefinitions } from './kept-definitions.ts';
import { openReporter, placeOfLog, placeOfStore } from './openlineage.ts';

/** Not started yet; null: this process does not fold. */
export async function openMaterializer(foundation: Foundation): Promise<Materializer | null> {
  const { config, definitions, log, schemas, store, traces, owner, metrics, closers } = foundation;
  const { role, namespace } = config;
  if (role === 'serve' || log === null) return null;
  const materializer = createMaterializer({
    definitions,
    aggregations: AGGREGATIONS,
    log,
    schemas,
    store,
    clock: systemClock,
    namespace,
    owner,
    tracing: traces,
  });
  const status = (): FollowedStatus => materializer.status();
  await tellOfRuns(foundation, status);
  closers.add('the materializer', () => materializer.stop());
  metrics.observeMaterializer(() => materializer.status());
  return materializer;
}

export async function startMaterializer(materializer: Materializer, foundation: Foundation): Promise<void> {
  const { config, definitions, log, warn } = foundation;
  await materializer.start();
  if (log === null) return;
  await keepDefinitions(log, config.namespace, definitions, config.definitionsDir, warn).catch((error: unknown) =>
    warn(`these definitions are not kept, and receipts need them once they have changed: ${messageOf(error)}`),
  );
}

/** Runs end when the materializer has stopped. */
async function tellOfRuns(
  { config: { openlineage, log, store, namespace }, security, definitions, metrics, closers, warn }: Foundation,
  status: () => FollowedStatus,
): Promise<void> {
  if (openlineage === null || log === null) return;
  const reporter = await openReporter(openlineage, security, warn);
  closers.add('the reports of runs', () => reporter.close());
  metrics.observeRunEvents(reporter.report);
  const places = { log: placeOfLog(log), store: placeOfStore(store, namespace) };
  const stopFollowing = followMaterializer({ reporter, definitions, places, status });
  closers.add('the runs', async () => stopFollowing());
}
