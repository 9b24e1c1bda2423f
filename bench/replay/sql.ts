/** The same windows as the definitions have, as one would write them in SQL: frames over events and labels in one order. */
import { AGGREGATIONS, type Data, WINDOWS, viewsOf } from './workload.ts';

const FUNCTIONS = { count: 'count', sum: 'sum', mean: 'avg', min: 'min', max: 'max' } as const;

/** Writes the labels with their features to `out`. */
export function windowsSql({ workload, events, labels }: Data, out: string): string {
  const views = viewsOf(workload);
  return `
    COPY (
      WITH ${views.map((view) => `${view}_features AS (${viewSql(view, events, labels)})`).join(',\n')}
      SELECT labels.*, ${views.map((view) => `${view}_features.* EXCLUDE (n)`).join(', ')}
        FROM read_parquet('${labels}') AS labels ${views.map((view) => `JOIN ${view}_features USING (n)`).join(' ')}
        ORDER BY n
    ) TO '${out}' (FORMAT parquet, COMPRESSION zstd)`;
}

/** A label has no delay, and what has none is not counted. */
function viewSql(view: string, events: string, labels: string): string {
  const columns = AGGREGATIONS.flatMap((agg) =>
    WINDOWS.map(({ length }) => `${FUNCTIONS[agg]}(delay) OVER w_${length} AS ${agg}_${length}`),
  );
  // As columns: DuckDB is slower where it has to work a frame out for each aggregate.
  const reaches = WINDOWS.map(
    ({ length, lengthMs, hopMs }) => `ts - (ts - ${lengthMs}) // ${hopMs} * ${hopMs} AS reach_${length}`,
  );
  const frames = WINDOWS.map(
    ({ length }) =>
      `w_${length} AS (PARTITION BY entity ORDER BY ts RANGE BETWEEN reach_${length} PRECEDING AND 1 PRECEDING)`,
  );
  // An entity without an event in the longest window is not known; of one that is, an empty window counts and sums to 0.
  const known = `count_${WINDOWS.at(-1)?.length} > 0`;
  const named = AGGREGATIONS.flatMap((agg) =>
    WINDOWS.map(({ length }) => {
      const value = agg === 'sum' ? `coalesce(sum_${length}, 0)` : `${agg}_${length}`;
      return `CASE WHEN ${known} THEN ${value} END AS ${view}_${agg}_${length}`;
    }),
  );
  return `
    SELECT n, ${named.join(', ')} FROM (
      SELECT n, ${columns.join(', ')} FROM (SELECT *, ${reaches.join(', ')} FROM (
        SELECT ${view} AS entity, epoch_ms(departed) AS ts, delay, NULL AS n FROM read_parquet('${events}')
        UNION ALL
        SELECT ${view}, epoch_ms(timestamp), NULL, n FROM read_parquet('${labels}')
      )) WINDOW ${frames.join(', ')}
    ) WHERE n IS NOT NULL`;
}
