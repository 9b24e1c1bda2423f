/** What audits found: served vectors against what a replay gives. */
import { get, optional } from './api.js';
import { h, number, table } from './dom.js';

const COLUMNS = [
  { name: 'audited', cell: ({ audited_at: at }) => at },
  { name: 'service', cell: ({ service }) => service },
  { name: 'feature', cell: ({ feature }) => h('code', {}, feature) },
  { name: 'compared', number: true, cell: ({ compared }) => number(compared) },
  {
    name: 'mismatched',
    number: true,
    cell: ({ mismatched }) => h('span', { class: mismatched > 0 ? 'bad' : 'good' }, number(mismatched)),
  },
  { name: 'missing', number: true, cell: ({ missing }) => number(missing) },
  { name: 'extra', number: true, cell: ({ extra }) => number(extra) },
];

/** `answer`: of `/v1/audits`, or null. */
export function auditsOf(answer, isWanted = () => true) {
  const rows = (answer?.items ?? []).flatMap((audit) =>
    (audit.features ?? [])
      .filter((found) => isWanted(audit, found))
      .map((found) => ({ ...found, service: audit.service, audited_at: audit.audited_at })),
  );
  if (rows.length === 0) return h('p', { class: 'quiet' }, 'No audit has compared anything here.');
  return table('Served against replayed; none may be mismatched', COLUMNS, rows);
}

export async function auditsPage() {
  return ['Audits', auditsOf(await optional(() => get('/v1/audits')))];
}
