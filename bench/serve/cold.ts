/**
 * Nothing from memory: `serve` without its LRU tier reads states from Redis and evaluates their windows for each row. Against it a
 * hand-written handler that gets 50 doubles, which somebody else has computed, as one packed value a row.
 */
import { vectorsUrl } from './answers.ts';
import { type Contestant, type LoadFigures, type Server, assertAlike, medianOf } from './generator.ts';
import { interleave } from './interleave.ts';
import { ROWS, bodiesOf } from './requests.ts';
import { type CardState, type StateFigures, denseOf, sparseOf, stateFigures } from './states.ts';
import type { World } from './world.ts';

type Kind = 'sparse' | 'dense';
type Name = `${'packed' | 'ours'} ${Kind} ${number}`;

export interface ColdFigures {
  readonly states: Kind;
  readonly rows: number;
  readonly packed: LoadFigures;
  readonly ours: LoadFigures;
  readonly ratio: number;
}

export interface ColdOutcome {
  readonly figures: readonly ColdFigures[];
  readonly sparse_states: StateFigures;
  readonly dense_states: StateFigures;
}

export interface ColdPlan {
  readonly ours: Server;
  readonly baseline: Server;
  readonly rounds: number;
  readonly seconds: number;
}

export async function benchCold(world: World, plan: ColdPlan): Promise<ColdOutcome> {
  const { ours, baseline, rounds, seconds } = plan;
  const [sparse, dense] = [sparseOf(world.states), denseOf(world.states)];
  const contestants = new Map<Name, Contestant>();
  const kinds: readonly (readonly [Kind, readonly CardState[]])[] = [
    ['sparse', sparse],
    ['dense', dense],
  ];
  for (const [kind, states] of kinds) {
    const cards = states.map(({ card }) => card);
    for (const rows of ROWS) {
      const bodiesFile = world.writeBodies(bodiesOf(cards, rows, rows));
      contestants.set(`packed ${kind} ${rows}`, { server: baseline, url: `${baseline.url}/packed`, bodiesFile });
      contestants.set(`ours ${kind} ${rows}`, { server: ours, url: vectorsUrl(ours.url, 'spend'), bodiesFile });
    }
  }
  const runs = await interleave(contestants, { rounds, seconds, say: world.say });
  const of = (name: Name): LoadFigures => medianOf(runs.get(name) ?? []);
  const figures = kinds.flatMap(([kind]) =>
    ROWS.map((rows): ColdFigures => {
      const [packed, own] = [of(`packed ${kind} ${rows}`), of(`ours ${kind} ${rows}`)];
      assertAlike(`cold ${rows}, ${kind}`, own, packed);
      const ratio = own.requests_per_second / packed.requests_per_second;
      return { states: kind, rows, packed, ours: own, ratio };
    }),
  );
  return { figures, sparse_states: stateFigures(sparse), dense_states: stateFigures(dense) };
}
