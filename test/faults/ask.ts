/** Asking again, and asking a server for the values of all cards. */
import { ROWS, SERVICE } from './payments.ts';

const LIMIT_MS = 90_000;

/** Asks again until the answer is not null. */
export async function eventually<T>(what: string, probe: () => Promise<T | null>, limitMs = LIMIT_MS): Promise<T> {
  const deadlineMs = Date.now() + limitMs;
  let fault: unknown = null;
  for (;;) {
    const found = await probe().catch((error: unknown) => {
      fault = error;
      return null;
    });
    if (found !== null) return found;
    if (Date.now() > deadlineMs)
      throw new Error(`${what}: not within ${limitMs} ms: ${String(fault)}`, { cause: fault });
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export async function postJson(url: string, body: object): Promise<string> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${text}`);
  return text;
}

/** Values and statuses alone: receipts and the like name positions of their own. */
export async function askFor(post: (body: object) => Promise<string>, nowMs: number): Promise<readonly string[]> {
  const answers: string[] = [];
  for (const asOf of [nowMs - 7_200_000, nowMs - 1_234_567, nowMs, nowMs + 60_000]) {
    const text = await post({ entities: ROWS, as_of: asOf, include: ['status'] });
    const { vectors } = JSON.parse(text) as { vectors: readonly { values: unknown; status: readonly string[] }[] };
    for (const [index, { values, status }] of vectors.entries()) {
      // Whether the owner confirmed the log's end lately is no part of a value.
      const settled = status.map((each) => (each === 'STALE' ? 'PRESENT' : each));
      answers.push(JSON.stringify([ROWS[index], asOf - nowMs, values, settled]));
    }
  }
  return answers;
}

/** Statuses of all cards' values, as they are now; or the status of the answer. */
export async function statusesOf({ url }: { readonly url: string }): Promise<readonly string[]> {
  const response = await fetch(`${url}/v1/feature-services/${SERVICE}/vectors`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ entities: ROWS, include: ['status'] }),
  });
  if (!response.ok) return [`${response.status}`];
  const { vectors } = (await response.json()) as { vectors: { status: string[] }[] };
  return [...new Set(vectors.flatMap(({ status }) => status))];
}
