/** A thread that folds parts (fold-parts.ts), one at a time, by a plan of its own. */
import { parentPort, workerData } from 'node:worker_threads';
import { AGGREGATIONS } from '../aggregate/table.ts';
import { assert } from '../core/assert.ts';
import { loadDefinitions } from '../definition/load.ts';
import { BY_ARRIVAL, BY_EVENT_TIME } from './fold-orders.ts';
import { type FoldContext, foldPart } from './fold-part.ts';
import type { FoldPlace, FoldTask, PlanSource } from './fold-parts.ts';
import { planTraining } from './train-plan.ts';
import { compileCellsWriter } from './vector-cells.ts';

function compile(source: PlanSource): Omit<FoldContext, keyof FoldPlace> {
  const loaded = loadDefinitions(source.files, AGGREGATIONS);
  assert(loaded.ok, 'definitions that were loaded before can be loaded again');
  const service = loaded.definitions.services.get(source.service);
  assert(service?.fingerprint === source.fingerprint, 'the same files make the same service');
  const plan = planTraining(service, AGGREGATIONS, source.features);
  return {
    plan,
    orders: [BY_EVENT_TIME, BY_ARRIVAL].filter(({ known }) => source.orders.includes(known)),
    writeEvaluation: compileCellsWriter(plan),
    // The thread ends with the run.
    signal: new AbortController().signal,
  };
}

const compiled = compile(workerData as PlanSource);
const port = parentPort;
assert(port !== null, 'this runs as a worker');
/** The first message. */
let context: FoldContext | null = null;
port.on('message', (message: FoldPlace | FoldTask) => {
  if (!('part' in message)) {
    context = { ...compiled, ...message };
    return;
  }
  assert(context !== null, 'a place comes before its parts');
  foldPart(context, message.part, message.path).then(
    (counts) => port.postMessage(counts),
    // Out of the promise, whose rejections may be only warned of.
    (error: unknown) =>
      setImmediate(() => {
        throw error;
      }),
  );
});
