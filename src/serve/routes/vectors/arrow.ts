/**
 * The answer as an Arrow IPC stream: one record batch, one column a feature, typed as the feature is. It is made from the
 * answer in columns, whose texts are what states keep, so that no value can differ from what JSON says of it.
 *
 *   <feature>                a column for each, in the order asked for
 *   <feature>__status        with `include: ["status"]`
 *   <feature>__event_time    with `include: ["event_time"]`
 *   __issues                 every status that is not ordinary, by feature, as JSON; null when there is none
 *   __as_of                  of the row; null where it has none
 *   __error                  why the row has no values, as JSON: a problem item
 *   __receipt, __explain     where asked for; `__explain` as JSON
 *
 * No feature's name has two underscores together. The schema's metadata names service, version, fingerprint and `as_of`.
 */
import type { DataType, Field } from 'apache-arrow';
import type { ServicePlan } from '../../../vector/service.ts';
import { type ArrowTypes, arrowTypes } from './arrow-types.ts';
import type { VectorsRequest } from './request.ts';

/** What `layout: columns` says. */
interface ColumnsAnswer {
  readonly service: string;
  readonly version: number;
  readonly fingerprint: string;
  readonly as_of: string | null;
  readonly columns: Readonly<Record<string, readonly unknown[]>>;
  readonly status?: Readonly<Record<string, readonly (string | null)[]>>;
  readonly event_time?: Readonly<Record<string, readonly (string | null)[]>>;
  readonly rows: readonly {
    readonly issues?: object;
    readonly as_of?: string;
    readonly receipt?: string;
    readonly explain?: object;
    readonly error?: object;
  }[];
}

interface Column {
  readonly name: string;
  readonly type: DataType;
  readonly values: readonly unknown[];
}

/** `text`: the answer to the request, in columns. The library is loaded with the first call. */
export async function arrowStream(plan: ServicePlan, request: VectorsRequest, text: string): Promise<Uint8Array> {
  const arrow = await import('apache-arrow');
  const answer = JSON.parse(text) as ColumnsAnswer;
  const types = arrowTypes(arrow);
  const columns = [...featureColumns(plan, request, answer, types), ...rowColumns(request, answer, types)];
  const fields = columns.map(({ name, type }): Field => new arrow.Field(name, type, true));
  const schema = new arrow.Schema(fields, metadataOf(answer));
  const children = columns.map(({ type, values }) => {
    const [data] = arrow.vectorFromArray(values as unknown[], type).data;
    if (data === undefined) throw new Error('a vector has its data in one piece');
    return data;
  });
  const struct = new arrow.Struct(fields);
  const batch = new arrow.RecordBatch(
    schema,
    arrow.makeData({ type: struct, length: answer.rows.length, nullCount: 0, children }),
  );
  return arrow.tableToIPC(new arrow.Table(schema, batch), 'stream');
}

function metadataOf({ service, version, fingerprint, as_of: asOf }: ColumnsAnswer): Map<string, string> {
  const metadata = new Map([
    ['service', service],
    ['version', String(version)],
    ['fingerprint', fingerprint],
  ]);
  if (asOf !== null) metadata.set('as_of', asOf);
  return metadata;
}

function featureColumns(
  plan: ServicePlan,
  { selection }: VectorsRequest,
  answer: ColumnsAnswer,
  types: ArrowTypes,
): readonly Column[] {
  return selection.names.flatMap((name): readonly Column[] => {
    const feature = plan.definition.features[plan.places.get(name) ?? -1];
    if (feature === undefined) return [];
    const { type, convert } = types.of(feature.type);
    const columns: Column[] = [{ name, type, values: (answer.columns[name] ?? []).map(convert) }];
    const statuses = answer.status?.[name];
    if (statuses !== undefined) columns.push({ name: `${name}__status`, type: types.text, values: statuses });
    const times = answer.event_time?.[name];
    if (times !== undefined) columns.push({ name: `${name}__event_time`, ...types.times(times) });
    return columns;
  });
}

function rowColumns({ include }: VectorsRequest, { rows, as_of: asOf }: ColumnsAnswer, types: ArrowTypes): Column[] {
  const asJson = (name: string, values: readonly (object | undefined)[]): Column => ({
    name,
    type: types.text,
    values: values.map((value) => (value === undefined ? null : JSON.stringify(value))),
  });
  const asOfs = rows.map((row) => (row.error === undefined ? (row.as_of ?? asOf) : null));
  const columns: Column[] = [
    asJson(
      '__issues',
      rows.map(({ issues }) => issues),
    ),
    { name: '__as_of', ...types.times(asOfs) },
    asJson(
      '__error',
      rows.map(({ error }) => error),
    ),
  ];
  if (include.receipt) {
    columns.push({ name: '__receipt', type: types.text, values: rows.map(({ receipt }) => receipt ?? null) });
  }
  if (include.explain) {
    columns.push(
      asJson(
        '__explain',
        rows.map(({ explain }) => explain),
      ),
    );
  }
  return columns;
}
