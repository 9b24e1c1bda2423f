/** What definitions break: of the contracts that are deployed, and for the newest records of their topics. */
import type { ContractChange } from '../definition/contract.ts';
import { compareContracts } from '../definition/contract.ts';
import type { Definitions, SourceDefinition } from '../definition/definition.ts';
import type { SourcePlace, SourcePlaces } from '../definition/source-places.ts';
import { needsSchemas, type Schemas } from '../event/schemas.ts';
import type { Log } from '../log/log.ts';
import { examineRecent, readRecent, type RecordFinding } from './recent-records.ts';
import { examineSubjects, type SubjectFinding } from './subjects.ts';
import { formatCount } from './text.ts';

export interface Contracts {
  /** Whether it is known what is deployed; else only records were looked at. */
  readonly compared: boolean;
  /** Whether anything here is to be accepted before it is deployed. */
  readonly breaks: boolean;
  readonly changes: readonly (ContractChange & { readonly place: SourcePlace | null })[];
  readonly records: readonly (RecordFinding & { readonly place: SourcePlace | null })[];
  /** Of the newest schemas in the registry. */
  readonly schemas: readonly (SubjectFinding & { readonly place: SourcePlace | null })[];
}

export interface Topics {
  readonly log: Log;
  readonly schemas: Schemas | null;
}

/** `deployed`: what runs now; null: nothing is known to. Looks at the topics of all sources, whether views use them or not. */
export async function examineContracts(
  definitions: Definitions,
  deployed: Definitions | null,
  topics: Topics,
  placeOf: SourcePlaces,
): Promise<Contracts> {
  const compared = deployed === null ? [] : compareContracts(deployed, definitions);
  const changes = compared.map((change) => ({
    ...change,
    place: placeOf(change.source, change.field === null ? [change.at] : [change.at, change.field]),
  }));
  const records: Contracts['records'][number][] = [];
  const schemas: Contracts['schemas'][number][] = [];
  for (const source of definitions.sources.values()) {
    for (const finding of await findingsOf(source, deployed?.sources.get(source.name), topics)) {
      records.push({ ...finding, place: placeOf(source.name, pathOf(source, finding.field)) });
    }
    for (const finding of await examineSubjects(source, topics.schemas)) {
      schemas.push({ ...finding, place: placeOf(source.name, pathOf(source, finding.field)) });
    }
  }
  return {
    compared: deployed !== null,
    breaks: [...changes, ...records, ...schemas].some(({ breaks }) => breaks),
    changes,
    records,
    schemas,
  };
}

function pathOf({ fields }: SourceDefinition, field: string | null): readonly string[] {
  if (field === null) return [];
  return [fields.some(({ name }) => name === field) ? 'fields' : 'derive', field];
}

/** What is no worse than it is with the contract that is deployed breaks nothing. */
async function findingsOf(
  source: SourceDefinition,
  deployed: SourceDefinition | undefined,
  { log, schemas }: Topics,
): Promise<readonly RecordFinding[]> {
  const recent = await readRecent(log, source.topic);
  if (recent === null) return [];
  const isComparable = deployed?.topic === source.topic && (schemas !== null || !needsSchemas(deployed));
  const before = isComparable ? await examineRecent(deployed, recent, schemas) : [];
  const now = await examineRecent(source, recent, schemas);
  return now.map((finding) => {
    const was = before.find(({ field, code }) => field === finding.field && code === finding.code);
    return was === undefined || was.records < finding.records ? finding : { ...finding, breaks: false };
  });
}

export function contractsText({ compared, changes, records, schemas }: Contracts): string {
  const lines = [...changes.map(changeText), ...records.map(recordsText), ...schemas.map(schemaText)];
  const found = lines.length === 0 ? ' nothing breaks' : `\n${lines.join('').trimEnd()}`;
  const note = compared ? '' : ' (it is not known what is deployed: only records were looked at)';
  return `\nContracts${note}:${found}\n`;
}

const isBroken = (breaks: boolean): string => (breaks ? 'BREAKS' : 'ok    ');

function placeText(place: SourcePlace | null, source: string, field: string | null): string {
  const where = place === null ? '' : `${place.file}:${place.line}:${place.column} `;
  return `${where}${source}${field === null ? '' : `.${field}`}`;
}

function changeText(change: Contracts['changes'][number]): string {
  const { place, source, field, kind, from, to, breaks, views, services } = change;
  const effects = views.map(({ view, effect }) => `${view} is ${effect}`);
  const readBy = services.length === 0 ? [] : [`read by ${services.join(', ')}`];
  const whom = [...effects, ...readBy];
  const said = `${kind.replaceAll('_', ' ')}, ${from ?? 'none'} → ${to ?? 'none'}`;
  return `  ${isBroken(breaks)}  ${placeText(place, source, field)}: ${said}${whom.length === 0 ? '' : `; ${whom.join('; ')}`}\n`;
}

function recordsText({
  place,
  source,
  field,
  code,
  records,
  of,
  message,
  breaks,
}: Contracts['records'][number]): string {
  const share = `${records} of the newest ${formatCount(of, 'record')}`;
  return `  ${isBroken(breaks)}  ${placeText(place, source, field)}: ${share}: ${code}: ${message}\n`;
}

function schemaText({
  place,
  source,
  field,
  subject,
  schema_id: id,
  message,
  breaks,
}: Contracts['schemas'][number]): string {
  const named = id === null ? '' : `${subject}, schema ${id}: `;
  return `  ${isBroken(breaks)}  ${placeText(place, source, field)}: ${named}${message}\n`;
}
