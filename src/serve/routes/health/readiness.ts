/**
 * Whether what a process serves can be relied on, and each reason why not. Probes are open and come from many places at
 * once, so they share one reading of the store: a caller without a key must not be able to multiply reads.
 */
import { messageOf } from '../../../core/errors.ts';
import type { Serving } from '../../dependencies.ts';
import { type ProblemItem, RequestError, item } from '../../problem.ts';
import { TIMED_OUT, within } from '../../time-limit.ts';
import { type Freshness, readFreshness } from '../catalog/freshness.ts';

const PROBE_LIMIT_MS = 1_000;
/** Whoever asks this soon after a reading is told the same. */
const READING_SHARED_MS = 250;
/** More reasons than this are counted in a line of the log, not listed. */
const LOGGED_MAX = 20;

interface Reason {
  readonly code: string;
  /** What the reason is about, which stays the same while its message tells of progress. */
  readonly about: string;
  readonly message: string;
}

export interface Readiness {
  /** None: ready. Where keys are asked for they tell codes and numbers alone, and the log tells the rest when it changes. */
  reasons(): Promise<readonly ProblemItem[]>;
}

/** none → reading → read → reading → … */
type State =
  | { readonly kind: 'none' }
  | { readonly kind: 'reading'; readonly answer: Promise<readonly ProblemItem[]> }
  | { readonly kind: 'read'; readonly answer: Promise<readonly ProblemItem[]>; readonly atMs: number };

export function createReadiness(serving: Serving): Readiness {
  const { clock } = serving;
  const asksForKeys = (serving.keys ?? null) !== null;
  const say = createChangeLog(serving);
  let state: State = { kind: 'none' };

  async function read(): Promise<readonly ProblemItem[]> {
    const reasons = await readReasons(serving);
    if (!asksForKeys) return reasons.map(({ code, message }) => item(code, null, message));
    say(reasons);
    return countsOf(reasons);
  }

  function isShared(): boolean {
    if (state.kind !== 'read') return state.kind === 'reading';
    const ageMs = clock.nowMs() - state.atMs;
    // A clock that was put back says nothing about age.
    return ageMs >= 0 && ageMs < READING_SHARED_MS;
  }

  return {
    reasons() {
      if (state.kind !== 'none' && isShared()) return state.answer;
      const answer = read();
      const end = (): void => {
        state = { kind: 'read', answer, atMs: clock.nowMs() };
      };
      answer.then(end, end);
      state = { kind: 'reading', answer };
      return answer;
    },
  };
}

/** Open callers learn no names and nothing of where the store is. */
function countsOf(reasons: readonly Reason[]): readonly ProblemItem[] {
  return [...Map.groupBy(reasons, ({ code }) => code)].map(([code, { length }]) =>
    item(code, null, `${length} ${length === 1 ? 'reason' : 'reasons'} of this code; the log of the server says which`),
  );
}

/** Says in the log what is not ready, once for as long as it is the same. */
function createChangeLog({ logger }: Serving): (reasons: readonly Reason[]) => void {
  let said = '';
  return (reasons) => {
    const text = JSON.stringify(reasons.map(({ code, about }) => [code, about]));
    const before = said;
    if (text === before) return;
    said = text;
    if (reasons.length === 0) {
      if (before !== '') logger.info('ready');
      return;
    }
    const listed = reasons.slice(0, LOGGED_MAX).map(({ code, message }) => `${code}: ${message}`);
    logger.warn({ reasons: listed, more: reasons.length - listed.length }, 'not ready');
  };
}

/** Of the store and of builds at once, so that both are within one limit. */
async function readReasons(serving: Serving): Promise<readonly Reason[]> {
  const [store, builds] = await Promise.all([storeReasons(serving), buildReasons(serving)]);
  const faults = [...store, ...failedSources(serving)];
  return faults.length > 0 ? faults : builds;
}

async function storeReasons({ store }: Serving): Promise<readonly Reason[]> {
  const unavailable = (message: string): readonly Reason[] => [{ code: 'store_unavailable', about: 'store', message }];
  try {
    if ((await within(store.ping(), PROBE_LIMIT_MS)) !== TIMED_OUT) return [];
    return unavailable(`the store did not answer within ${PROBE_LIMIT_MS} ms`);
  } catch (error) {
    return unavailable(`the store cannot be reached: ${messageOf(error)}`);
  }
}

/** Sources that this process was to fold and never will again without somebody's help. */
function failedSources({ materializerStatus }: Serving): readonly Reason[] {
  return (materializerStatus?.().sources ?? [])
    .filter(({ state }) => state.mode === 'failed')
    .map(({ source, state }) => ({
      code: state.code ?? 'failed',
      about: source,
      message: `source ${source}: ${state.message ?? 'failed'}`,
    }));
}

async function buildReasons(serving: Serving): Promise<readonly Reason[]> {
  if (serving.readyWhileBuilding === true) return [];
  const views = [...serving.definitions.views.values()];
  try {
    const freshness = await within(readFreshness(serving, views, 'without_lag'), PROBE_LIMIT_MS);
    if (freshness !== TIMED_OUT) return unbuilt(freshness);
  } catch (error) {
    // Nothing is built of some source, and the log does not say of how many partitions.
    if (error instanceof RequestError) return error.items.map(({ code, message }) => ({ code, about: 'log', message }));
    throw error;
  }
  const isCounted = serving.log === null || serving.partitions.known(views.map(({ source }) => source)) !== null;
  const message = isCounted
    ? `the shards were not read within ${PROBE_LIMIT_MS} ms`
    : `the log did not say within ${PROBE_LIMIT_MS} ms how many partitions there are`;
  return [{ code: isCounted ? 'store_unavailable' : 'log_unavailable', about: 'shards', message }];
}

function unbuilt(freshness: Freshness): readonly Reason[] {
  return [...freshness].flatMap(([view, shards]) =>
    shards
      .filter(({ state }) => state === 'rebuilding' || state === 'unavailable')
      .map(({ partition, state, position, build_target: target }) => {
        const about = `view ${view}, partition ${partition}`;
        if (state === 'unavailable') return { code: 'store_unavailable', about, message: `${about} cannot be read` };
        const message = `${about} is at ${position ?? 0} of ${target ?? 'an unknown number of'} records`;
        return { code: 'rebuilding', about, message };
      }),
  );
}
