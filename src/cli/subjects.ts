/** What the registry has of a source's topic, against what the source declares. */
import type { SourceDefinition } from '../definition/definition.ts';
import { needsSubjects, type Schemas } from '../event/schemas.ts';

export interface SubjectFinding {
  readonly source: string;
  readonly subject: string;
  /** Of the subject's newest schema; null: it has none. */
  readonly schema_id: number | null;
  readonly field: string | null;
  readonly message: string;
  readonly breaks: boolean;
}

/** `<topic>-value`, and `<topic>-key` of keys in Avro: the names that producers use unless they are told otherwise. */
export function subjectsOf({ topic, format, key }: SourceDefinition): readonly string[] {
  return [...(format === 'json' ? [] : [`${topic}-value`]), ...(key.encoding === 'avro' ? [`${topic}-key`] : [])];
}

/** Nothing where no registry is named, or none is needed. A subject under another name is no mistake: it breaks nothing. */
export async function examineSubjects(
  source: SourceDefinition,
  schemas: Schemas | null,
): Promise<readonly SubjectFinding[]> {
  if (schemas === null || !needsSubjects(source)) return [];
  const findings: SubjectFinding[] = [];
  for (const subject of subjectsOf(source)) {
    const newest = await schemas.newestOf(subject);
    const common = { source: source.name, subject };
    if (typeof newest === 'string') {
      findings.push({ ...common, schema_id: null, field: null, message: newest, breaks: false });
    } else if (subject.endsWith('-value')) {
      for (const field of source.fields) {
        const misfit = newest.misfitOf(field);
        if (misfit !== null) findings.push({ ...common, schema_id: newest.id, field: field.name, ...misfit });
      }
    }
  }
  return findings;
}
