/** Looks at more scenarios than the suite has time for: `node test/property/run.ts FIRST [LAST]`. Prints every failing seed. */
import { generateLongScenario, generateScenario } from '../oracle/generate.ts';
import { checkAgreement } from './agreement.ts';
import { checkEveryOrder, checkOrders } from './orders.ts';
import { createTally } from './tally.ts';

const FAILURE_LENGTH_MAX = 1_500;
/** Long scenarios take a hundred times as long. */
const LONG_EVERY = 10;
const first = Number(process.argv[2] ?? 1);
const last = Number(process.argv[3] ?? first);
const tally = createTally();
let failed = 0;

for (let seed = first; seed <= last; seed++) {
  for (const check of [
    () => checkAgreement(generateScenario(seed), tally),
    () => seed % LONG_EVERY === 0 && checkAgreement(generateLongScenario(seed), tally),
    () => checkOrders(seed),
    () => checkEveryOrder(seed, 4),
  ]) {
    try {
      check();
    } catch (error) {
      failed += 1;
      process.stdout.write(`${String((error as Error).stack).slice(0, FAILURE_LENGTH_MAX)}\n\n`);
    }
  }
}
process.stdout.write(`seeds ${first} to ${last}: ${failed} failures\n${tally.summary()}\n`);
process.exitCode = failed === 0 ? 0 : 1;
