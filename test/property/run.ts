/** Looks at more scenarios than the suite has time for: `node test/property/run.ts FIRST [LAST]`. Prints every failing seed. */
import { checkAgreement } from './agreement.ts';
import { checkEveryOrder, checkOrders } from './orders.ts';
import { createTally } from './tally.ts';

const FAILURE_LENGTH_MAX = 1_500;
const first = Number(process.argv[2] ?? 1);
const last = Number(process.argv[3] ?? first);
const tally = createTally();
let failed = 0;

for (let seed = first; seed <= last; seed++) {
  for (const check of [() => checkAgreement(seed, tally), () => checkOrders(seed), () => checkEveryOrder(seed, 4)]) {
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
