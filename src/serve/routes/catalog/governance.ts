/** What the catalog tells of what is given up, and of who reads. */
import type { Deprecation } from '../../../definition/deprecation.ts';
import { formatTimestamp } from '../../../core/time.ts';
import type { ApiKey } from '../../access/key-ring.ts';
import type { Readers } from '../../readers.ts';

export function renderDeprecation(deprecation: Deprecation | null): object | null {
  if (deprecation === null) return null;
  const { on, sunset, use, reason } = deprecation;
  return { on, sunset, use, reason };
}

/** Of the service; of the readers a key sees itself, and `admin` all of them. */
export function renderReaders(
  readers: Readers,
  service: string,
  { apiKey, access }: { readonly apiKey: ApiKey | null; readonly access: { readonly admin: boolean } },
): readonly object[] {
  return readers
    .report()
    .filter((each) => each.service === service && (access.admin || each.reader === apiKey?.name))
    .map(({ reader, requests, lastMs }) => ({ reader, requests, last_read: formatTimestamp(lastMs) }));
}
