/** One random situation: definitions, a log, and what each entity is asked. Everything follows from the seed. */
import { type GeneratedRecord, generateRecords } from './generate-log.ts';
import { generateSource, generateView } from './generate-views.ts';
import type { ModelSource, ModelView } from './model.ts';
import { printDefinitions } from './print.ts';
import { createRandom, type Random } from './random.ts';

export interface Scenario {
  readonly seed: number;
  readonly source: ModelSource;
  readonly views: readonly ModelView[];
  /** The definitions file. */
  readonly text: string;
  readonly records: readonly GeneratedRecord[];
  /** For what the test itself draws, such as `as_of`s and cuts. */
  readonly random: Random;
}

export function generateScenario(seed: number): Scenario {
  const random = createRandom(seed);
  const source = generateSource(random);
  const views = Array.from({ length: random.integer(1, 3) }, (_, index) => generateView(random, source, index));
  return scenarioOf(seed, random, source, views, random.integer(3, 90));
}

/** One view under the sealing settings that it has by default, and enough events for them to matter. */
export function generateLongScenario(seed: number): Scenario {
  const random = createRandom(seed);
  const source = generateSource(random);
  const { head_max: _, head_limit: __, ...view } = generateView(random, source, 0);
  return scenarioOf(seed, random, source, [view], random.integer(1_500, 3_000));
}

function scenarioOf(
  seed: number,
  random: Random,
  source: ModelSource,
  views: readonly ModelView[],
  recordCount: number,
): Scenario {
  const records = generateRecords(random, source, views, recordCount);
  return { seed, source, views, text: printDefinitions(source, views), records, random };
}
