/**
 * `npm run bench:serve`: vectors over HTTP, against what the same machine can do with the same bytes, side by side in one run, so
 * that the ratios mean the same on any machine. docs/performance.md says what each figure is.
 */
import { parseArgs } from 'node:util';
import { benchCold } from './serve/cold.ts';
import { hasTier, serveBaseline, serveCold, serveWarm } from './serve/contestants.ts';
import { benchFeast } from './serve/feast/feast.ts';
import { installFeast } from './serve/feast/install.ts';
import { type Server, whyNoLoad } from './serve/generator.ts';
import { benchInvalidation } from './serve/invalidation.ts';
import { benchMixed } from './serve/mixed.ts';
import { type Parts, type Settings, createReport, formatReport } from './serve/report.ts';
import { stateFigures } from './serve/states.ts';
import { benchWarm } from './serve/warm.ts';
import { type World, createWorld } from './serve/world.ts';
import { chosenOf, positive } from './flags.ts';

/** In this order: the last two write, and what was checked before holds no more. */
const PARTS = ['warm', 'cold', 'feast', 'mixed', 'invalidation'] as const;
type Part = (typeof PARTS)[number];

const HELP = `Usage: npm run bench:serve -- [options]

Measures serving vectors, with a Kafka and a Redis started for it, as ratios to servers that do less with the same bytes.
Wants two cores, wrk and taskset (Debian: wrk, util-linux), and Python with venv for Feast, which it installs once.

  --only <parts>           some of ${PARTS.join(',')} (all)
  --events <count>         events of the topic that states are made of (400000)
  --rounds <count>         times that each contestant runs, in turn (3); medians are kept
  --seconds <count>        how long each run takes (3)
  --mixed-seconds <count>  how long a run beside writes takes (20)
  --json                   figures and targets as JSON
  --help                   this text`;

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
    only: { type: 'string', default: PARTS.join(',') },
    events: { type: 'string', default: '400000' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    'mixed-seconds': { type: 'string', default: '20' },
  },
});

function count(name: 'events' | 'rounds' | 'seconds' | 'mixed-seconds'): number {
  return positive(name, flags[name]);
}

async function bench(): Promise<void> {
  const missing = whyNoLoad();
  if (missing !== null) throw new Error(missing);
  const parts = chosenOf(PARTS, flags.only);
  const say = (text: string): void => console.error(text);
  // Before the long runs: what cannot be had ends the benchmark at once.
  if (parts.has('feast')) installFeast(say);
  const settings = {
    events: count('events'),
    rounds: count('rounds'),
    seconds: count('seconds'),
    mixed_seconds: count('mixed-seconds'),
    tier: await hasTier(),
  };
  const world = await createWorld(settings.events, say);
  try {
    const report = createReport(settings, await measure(world, parts, settings));
    console.log(flags.json ? JSON.stringify(report, null, 2) : formatReport(report));
  } finally {
    await world.close();
  }
}

async function measure(world: World, parts: ReadonlySet<Part>, settings: Settings): Promise<Parts> {
  const { say } = world;
  const { rounds, seconds, mixed_seconds } = settings;
  const run = async <T>(part: Part, body: () => Promise<T>): Promise<T | null> => {
    if (!parts.has(part)) return null;
    say(`${part} …`);
    return body();
  };
  say('checking every value …');
  const ours = await serveWarm(world);
  let started: Promise<Server> | null = null;
  const baseline = (): Promise<Server> => (started ??= serveBaseline(world, ours));
  return {
    states: stateFigures([...world.states.values()]),
    warm: await run('warm', async () => benchWarm(world, { ours, baseline: await baseline(), rounds, seconds })),
    cold: await run('cold', async () => {
      const withoutTier = await serveCold(world);
      return benchCold(world, { ours: withoutTier, baseline: await baseline(), rounds, seconds });
    }),
    feast: await run('feast', () => benchFeast(world, { ours, rounds, seconds })),
    mixed: await run('mixed', () => benchMixed(world, ours, mixed_seconds)),
    invalidation: await run('invalidation', () => benchInvalidation(world, mixed_seconds / 2)),
  };
}

if (flags.help) console.log(HELP);
else await bench();
