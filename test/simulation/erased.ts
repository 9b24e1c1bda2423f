/** What control records void, worked out from the whole log: an event counts unless one of its entity follows in its partition. */
import type { ViewDefinition } from '../../src/definition/definition.ts';
import type { LogRecord } from '../../src/event/event.ts';

export const isControl = ({ headers }: LogRecord): boolean => headers?.['skewless-erase'] !== undefined;

export type IsVoid = (view: ViewDefinition, record: LogRecord, entityKey: string) => boolean;

export function voidedBy(records: readonly LogRecord[]): IsVoid {
  /** `<key columns>/<entity>/<partition>` → offset of the last one. */
  const last = new Map<string, number>();
  for (const { partition, offset, value } of records.filter(isControl)) {
    const { entities } = JSON.parse(Buffer.from(value ?? []).toString()) as { entities: Record<string, string> };
    for (const [columns, entity] of Object.entries(entities)) last.set(`${columns}/${entity}/${partition}`, offset);
  }
  return ({ keyColumns }, { partition, offset }, entityKey) =>
    offset < (last.get(`${keyColumns.join(',')}/${entityKey}/${partition}`) ?? 0);
}
