/** `POST /v1/receipts/verify`: whether vectors are what the log gives, by their receipts. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import { SkewlessError } from '../../../core/errors.ts';
import { parseReceipt } from '../../../vector/receipt.ts';
import type { Access } from '../../access/access.ts';
import { ANY_KEY } from '../../access/route-access.ts';
import type { Serving } from '../../dependencies.ts';
import { type ProblemItem, RequestError, item, shorten } from '../../problem.ts';
import type { ReceiptVerifier, ServedVector } from '../../receipt-verifier.ts';
import { sendJson } from '../../send.ts';
import { TIMED_OUT, within } from '../../time-limit.ts';
import { VerifyBody, verifyResponses } from './schema.ts';

const VERIFY_LIMIT_MS = 30_000;
const BUSY_RETRY_SECONDS = 5;

export function registerVerifyReceipts(app: FastifyInstance, serving: Serving): void {
  const run = serving.verifier ? createRun(serving.verifier, serving.verifyLimitMs ?? VERIFY_LIMIT_MS) : null;
  app.withTypeProvider<TypeBoxTypeProvider>().route({
    method: 'POST',
    url: '/v1/receipts/verify',
    config: { access: ANY_KEY },
    schema: {
      operationId: 'verifyReceipts',
      tags: ['vectors'],
      summary: 'Check vectors by their receipts',
      description:
        'Replays the log below the positions that each receipt names, evaluates at its `as_of`, and compares with what was served, bit for bit. Of the services that the key may read. It reads all that the log holds of the sources, so one request is answered at a time; for many receipts, or long logs, there is `skewless verify`.',
      body: VerifyBody,
      response: verifyResponses,
    },
    handler: async (request, reply) => {
      const served = servedOf(request.body, request.access);
      if (run === null) {
        const message = 'this process has no log to replay; ask one that has, or use skewless verify';
        throw new RequestError(503, [item('log_unavailable', null, message)], BUSY_RETRY_SECONDS);
      }
      return sendJson(reply, { results: await run(served) });
    },
  });
}

/** Every receipt that is none is told; then every service that the key may not know of, as if it were not there, or not read. */
function servedOf({ receipts, vectors }: Static<typeof VerifyBody>, access: Access): readonly ServedVector[] {
  if ((receipts === undefined) === (vectors === undefined)) {
    throw new RequestError(400, [item('missing_key', null, 'expected either receipts or vectors')]);
  }
  const given = vectors ?? (receipts ?? []).map((receipt) => ({ receipt }));
  const served: ServedVector[] = [];
  const wrong: ProblemItem[] = [];
  const unknown: ProblemItem[] = [];
  const forbidden: ProblemItem[] = [];
  const seen = new Set([...access.services.values()].map(({ name }) => name));
  for (const [index, { receipt: text, ...vector }] of given.entries()) {
    const pointer = vectors === undefined ? `/receipts/${index}` : `/vectors/${index}/receipt`;
    const parsed = parseReceipt(text);
    if (!parsed.ok) {
      wrong.push(item('invalid_receipt', pointer, `not a receipt: ${parsed.problem}`));
      continue;
    }
    const { service } = parsed.receipt;
    const name = shorten(service);
    if (access.mayRead(service)) {
      const { values = null, features = null, status: statuses = null, issues = null } = vector as Partial<GivenVector>;
      served.push({ receipt: parsed.receipt, values, features, statuses, issues });
    } else if (seen.has(service)) {
      forbidden.push(item('forbidden', pointer, `this needs a key with the scope read:${name}`));
    } else unknown.push(item('unknown_service', pointer, `there is no feature service ${JSON.stringify(name)}`));
  }
  if (wrong.length > 0) throw new RequestError(400, wrong);
  if (unknown.length > 0) throw new RequestError(404, unknown);
  if (forbidden.length > 0) throw new RequestError(403, forbidden);
  return served;
}

type GivenVector = NonNullable<Static<typeof VerifyBody>['vectors']>[number];

/** One at a time, and for so long. */
function createRun(
  verifier: ReceiptVerifier,
  limitMs: number,
): (served: readonly ServedVector[]) => Promise<readonly object[]> {
  let isRunning = false;
  return async (served) => {
    if (isRunning) throw unavailable('overloaded', 'receipts of another request are being checked; one is at a time');
    isRunning = true;
    const stop = new AbortController();
    const verified = verifier(served, stop.signal).finally(() => {
      isRunning = false;
    });
    try {
      const results = await within(verified, limitMs);
      if (results !== TIMED_OUT) return results;
    } catch (error) {
      if (!(error instanceof SkewlessError) || error.code !== 'too_many_events') throw error;
      throw new RequestError(400, [item(error.code, null, error.message)]);
    } finally {
      stop.abort();
    }
    throw unavailable('timed_out', `the replay took longer than ${limitMs} ms; skewless verify has no such limit`);
  };
}

function unavailable(code: string, message: string): RequestError {
  return new RequestError(503, [item(code, null, message)], BUSY_RETRY_SECONDS);
}
