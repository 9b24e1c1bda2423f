/** `skewless prune DIR`: frees stored states that the definitions do not want, once nobody keeps them alive. */
import { Command } from 'commander';
import { defaultsFor } from '../config.ts';
import { type StoreLocation, parseNamespace } from '../flag-values.ts';
import { systemClock } from '../core/clock.ts';
import { DEFAULT_BOUNDS } from '../materialize/bounds.ts';
import type { Store } from '../store/store.ts';
import { type SecurityFlags, addKafkaFlags, addStoreFlags, openStore, warnOnStderr } from './connect.ts';
import { loadOrTell } from './definition-files.ts';
import { EXIT } from './exit.ts';
import { showProgress } from './progress.ts';
import { type StoredView, storedViews, viewsOf } from './stored.ts';
import { type TrailFlags, addTrailFlag, openTrail } from './trail-write.ts';
import { formatCount, formatTable } from './text.ts';

interface PruneFlags extends SecurityFlags, TrailFlags {
  readonly store?: StoreLocation;
  readonly namespace: string;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export function pruneCommand(finish: (exitCode: number) => void): Command {
  const command = new Command('prune')
    .description('Free the states of views that the definitions no longer have, or have otherwise.')
    .argument('<dir>', 'folder of the definitions (YAML) to keep the states of')
    .option('--namespace <name>', 'of the deployment', parseNamespace, 'default')
    .option('--yes', 'free them; without it they are only listed')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nStates that a running process keeps are left alone: stop the deployment that has them first.\nExample:\n  skewless prune features/ --store redis://redis:6379 --yes',
    )
    .action(async (directory: string, flags: PruneFlags) => finish(await prune(directory, flags)));
  return addStoreFlags(addKafkaFlags(addTrailFlag(command)), '(default: sqlite:.skewless/store.sqlite)');
}

async function prune(directory: string, flags: PruneFlags): Promise<number> {
  const definitions = loadOrTell(directory);
  if (definitions === null) return EXIT.finding;
  const trail = await openTrail(flags);
  const store = await openStore(flags.store ?? defaultsFor(directory).store, flags, flags.namespace, warnOnStderr);
  try {
    const unwanted = (await storedViews(store)).filter((stored) => viewsOf(definitions, stored).length === 0);
    const nowMs = systemClock.nowMs();
    const [alive, idle] = [true, false].map((wanted) =>
      unwanted.filter(({ heartbeatMs }) => nowMs - heartbeatMs <= DEFAULT_BOUNDS.takeoverMs === wanted),
    ) as [StoredView[], StoredView[]];
    const states = flags.yes === true ? await drop(store, idle) : null;
    if (states !== null && idle.length > 0) {
      const freed = idle.map(({ source, entityKey, fingerprint }) => ({ source, entity_key: entityKey, fingerprint }));
      await trail.record('prune', flags.namespace, { states, freed }, flags.namespace);
    }
    report(alive, idle, states, flags.json === true, nowMs);
    return alive.length > 0 || (states === null && idle.length > 0) ? EXIT.finding : EXIT.ok;
  } finally {
    await trail.close();
    await store.close();
  }
}

async function drop(store: Store, unwanted: readonly StoredView[]): Promise<number> {
  const shards = unwanted.flatMap((view) => view.shards);
  const progress = showProgress('Freeing');
  let states = 0;
  for (const [index, { shard, fingerprint }] of shards.entries()) {
    states += await store.drop(shard, fingerprint);
    progress.update((index + 1) / shards.length, formatCount(states, 'state'));
  }
  progress.finish(formatCount(states, 'state'));
  return states;
}

/** `states`: how many were freed; null: none were to be. */
function report(
  alive: readonly StoredView[],
  idle: readonly StoredView[],
  states: number | null,
  json: boolean,
  nowMs: number,
): void {
  const plain = ({ source, entityKey, fingerprint, shards, heartbeatMs }: StoredView) => ({
    source,
    entity_key: entityKey,
    fingerprint,
    shards: shards.length,
    heartbeat_age_seconds: Math.round((nowMs - heartbeatMs) / 1e3),
  });
  if (json) {
    const freed = states === null ? [] : idle.map(plain);
    const listed = states === null ? idle.map(plain) : [];
    process.stdout.write(
      `${JSON.stringify({ freed, states: states ?? 0, would_free: listed, alive: alive.map(plain) })}\n`,
    );
    return;
  }
  if (idle.length + alive.length === 0) {
    process.stdout.write('Nothing to free: all that is stored is defined.\n');
    return;
  }
  const rows = [...idle, ...alive].map((view) => Object.values(plain(view)).map(String));
  process.stdout.write(
    formatTable(['source', 'entity key', 'fingerprint', 'shards', 'seconds since its heartbeat'], rows),
  );
  if (states !== null)
    process.stdout.write(`Freed ${formatCount(states, 'state')} of ${formatCount(idle.length, 'fingerprint')}.\n`);
  else if (idle.length > 0) process.stdout.write('Nothing was freed; say --yes to do it.\n');
  if (alive.length > 0) {
    process.stdout.write(
      `${formatCount(alive.length, 'fingerprint')} left alone: a running process keeps it; stop that deployment first.\n`,
    );
  }
}
