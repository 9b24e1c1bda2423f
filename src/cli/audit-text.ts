/** What an audit found, for people and for scripts. */
import type { Mismatch } from '../replay/audit-compare.ts';
import type { Audit } from '../replay/audit.ts';
import type { AuditFeature, AuditReport } from '../vector/audit-report.ts';
import { formatCount, formatTable } from './text.ts';

export function auditJson({ rows, unreadable, reports, mismatches }: Audit): string {
  const mismatched = reports.reduce((sum, each) => sum + each.mismatched, 0);
  return JSON.stringify({ rows, unreadable, mismatched, reports, mismatches });
}

export function describeAudit(audit: Audit): string {
  const { reports, mismatches } = audit;
  const tables = reports.map((report) => `${headOf(report)}\n\n${tableOf(report)}\n`);
  return `${tables.join('')}${mismatches.map((each) => `${describeMismatch(each)}\n`).join('')}${summaryOf(audit)}\n`;
}

export function markdownOf(audit: Audit): string {
  const { reports, mismatches } = audit;
  const sections = reports.map(
    (report) => `## ${report.service}@${report.version}\n\n${headOf(report)}\n\n${markdownTable(report)}\n`,
  );
  const told =
    mismatches.length === 0
      ? ''
      : `\n## Mismatches\n\n${mismatches.map((each) => `- ${describeMismatch(each)}\n`).join('')}`;
  return `# Audit\n\n${summaryOf(audit)}\n\n${sections.join('\n')}${told}`;
}

function summaryOf({ rows, unreadable, reports }: Audit): string {
  const mismatched = reports.reduce((sum, each) => sum + each.mismatched, 0);
  const compared = reports.reduce((sum, each) => sum + each.compared, 0);
  const invalid = reports.reduce((sum, { skipped }) => sum + receiptsInvalid(skipped), 0);
  if (rows === 0) return 'No rows were served in this range.';
  const same = mismatched === 0 ? 'all the same to the last bit' : `${mismatched} are not what the log gives`;
  const parts = [
    `${formatCount(rows, 'row')}: ${compared === 0 ? 'nothing was compared' : `${formatCount(compared, 'value')} compared, ${same}`}`,
    ...(invalid === 0
      ? []
      : [invalid === 1 ? '1 row has no receipt of its own' : `${invalid} rows have no receipts of their own`]),
    ...(unreadable === 0 ? [] : [`${formatCount(unreadable, 'record')} of the served log cannot be read`]),
  ];
  return `${parts.join(', ')}.`;
}

/** Rows that came with no receipt, or with that of another. */
export function receiptsInvalid(skipped: AuditReport['skipped']): number {
  return skipped['receipt_invalid'] ?? 0;
}

function headOf({
  service,
  version,
  fingerprint,
  rows,
  skipped,
  served_from: from,
  served_until: until,
}: AuditReport): string {
  const left = Object.entries(skipped).map(([reason, count]) => `${count} ${reason}`);
  const not = left.length === 0 ? '' : `; not compared: ${left.join(', ')}`;
  return `${service}@${version} (${fingerprint}), ${formatCount(rows, 'row')} served from ${from} to ${until}${not}`;
}

const COLUMNS = ['compared', 'mismatched', 'skipped', 'not true', 'missing', 'extra', 'mean difference', 'largest'];

function tableOf({ features }: AuditReport): string {
  return formatTable(['feature', ...COLUMNS], features.map(cellsOf));
}

function markdownTable({ features }: AuditReport): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  const rule = ['---', ...COLUMNS.map(() => '---:')];
  return [['feature', ...COLUMNS], rule, ...features.map(cellsOf)].map(line).join('');
}

function cellsOf(each: AuditFeature): readonly string[] {
  const { feature, compared, mismatched, skipped, differing, missing, extra } = each;
  const left = Object.values(skipped).reduce((sum, count) => sum + count, 0);
  const counts = [compared, mismatched, left, differing, missing, extra].map(String);
  return [feature, ...counts, formatDifference(each.mean_difference), formatDifference(each.largest_difference)];
}

function formatDifference(value: number | null): string {
  return value === null ? '' : value.toPrecision(4);
}

function describeMismatch(mismatch: Mismatch): string {
  const { feature, partition, offset, as_of: asOf, served, replayed } = mismatch;
  const side = (value: unknown, status: string): string => `${JSON.stringify(value)} (${status})`;
  return (
    `${feature} at ${asOf}: served ${side(served, mismatch.served_status)}, the log gives ${side(replayed, mismatch.replayed_status)}; ` +
    `row ${partition}/${offset} of the served log, receipt ${mismatch.receipt}`
  );
}
