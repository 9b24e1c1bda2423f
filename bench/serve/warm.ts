/**
 * All from memory: `serve` against a bare Fastify route that parses the same request and sends a constant text, one of `serve`'s own
 * answers. In each round one run of `serve` goes over the beginning of a minute, where windows of an hour move on and what
 * was rendered has to be rendered anew: a run of a few seconds holds more of that than a minute does.
 */
import { percentile } from '../ingest/percentile.ts';
import { vectorsUrl } from './answers.ts';
import { constantUrl, warmBodies } from './contestants.ts';
import { type Contestant, type LoadFigures, type Server, assertAlike, medianOf } from './generator.ts';
import { type Run, interleave } from './interleave.ts';
import { ROWS, withAmounts } from './requests.ts';
import type { ServiceName } from './workload.ts';
import type { World } from './world.ts';

export interface WarmFigures {
  readonly rows: number;
  readonly bare: LoadFigures;
  readonly ours: LoadFigures;
  readonly ratio: number;
  /** The slowest run that went over the beginning of a minute ÷ the same; null where none did. */
  readonly over_minute_ratio: number | null;
  /** With a derived feature on a request input, each ÷ a bare route that is sent that input and answers as much. */
  readonly compared_bare: LoadFigures;
  readonly compared: LoadFigures;
  readonly compared_ratio: number;
}

type Kind = 'bare' | 'ours' | 'compared_bare' | 'compared';
type Name = `${Kind} ${number}`;

export interface WarmPlan {
  readonly ours: Server;
  readonly baseline: Server;
  readonly rounds: number;
  readonly seconds: number;
}

export async function benchWarm(world: World, plan: WarmPlan): Promise<readonly WarmFigures[]> {
  const { ours, baseline, rounds, seconds } = plan;
  const contestants = new Map<Name, Contestant>();
  for (const rows of ROWS) {
    const bodies = warmBodies(world, rows);
    const [plain, amounts] = [world.writeBodies(bodies), world.writeBodies(withAmounts(bodies))];
    const bare = (service: ServiceName, bodiesFile: string): Contestant => ({
      server: baseline,
      url: constantUrl(baseline, service, rows),
      bodiesFile,
    });
    const own = (service: ServiceName, bodiesFile: string): Contestant => ({
      server: ours,
      url: vectorsUrl(ours.url, service),
      bodiesFile,
    });
    contestants.set(`bare ${rows}`, bare('spend', plain));
    contestants.set(`ours ${rows}`, own('spend', plain));
    contestants.set(`compared_bare ${rows}`, bare('spend_compared', amounts));
    contestants.set(`compared ${rows}`, own('spend_compared', amounts));
  }
  const overMinute = (round: number): Name => `ours ${ROWS[round % ROWS.length] ?? 1}`;
  const runs = await interleave(contestants, { rounds, seconds, overMinute, say: world.say });
  return ROWS.map((rows) => figuresOf(rows, runs));
}

function figuresOf(rows: number, runs: ReadonlyMap<Name, readonly Run[]>): WarmFigures {
  const runsOf = (kind: Kind): readonly Run[] => runs.get(`${kind} ${rows}`) ?? [];
  const [bare, ours] = [medianOf(runsOf('bare')), medianOf(runsOf('ours'))];
  const [comparedBare, compared] = [medianOf(runsOf('compared_bare')), medianOf(runsOf('compared'))];
  assertAlike(`warm ${rows}`, ours, bare);
  assertAlike(`warm ${rows}, derived`, compared, comparedBare);
  const overMinute = runsOf('ours').filter(({ crossed_minute }) => crossed_minute);
  const slowest = percentile(
    overMinute.map((run) => run.requests_per_second),
    0,
  );
  return {
    rows,
    bare,
    ours,
    ratio: ours.requests_per_second / bare.requests_per_second,
    over_minute_ratio: overMinute.length === 0 ? null : slowest / bare.requests_per_second,
    compared_bare: comparedBare,
    compared,
    compared_ratio: compared.requests_per_second / comparedBare.requests_per_second,
  };
}
