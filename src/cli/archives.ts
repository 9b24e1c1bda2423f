/** The archives that definitions name: where they are, and a log that begins in them. */
import { isAbsolute, join } from 'node:path';
import { type LogLocation, UsageError } from '../flag-values.ts';
import { systemClock } from '../core/clock.ts';
import type { Definitions, SourceDefinition } from '../definition/definition.ts';
import type { Log } from '../log/log.ts';
import { type SecurityFlags, openLog } from './connect.ts';

/** Of the source's topic; null: it names none. A relative path begins at the folder of definitions. */
export function archiveFolder({ archive }: SourceDefinition, definitionsDir: string): string | null {
  if (archive === null) return null;
  return isAbsolute(archive) ? archive : join(definitionsDir, archive);
}

/** `log`, and what archives add to it. What is lost between the two is warned of. */
export async function joinArchives(
  log: Log,
  definitions: Definitions,
  definitionsDir: string,
  onWarning: (message: string) => void,
): Promise<Log> {
  const archives = archivesOf(definitions, definitionsDir);
  if (archives.size === 0) return log;
  const { withArchives } = await import('../log/archived.ts');
  return withArchives(log, { archives, clock: systemClock, onWarning });
}

/** The log at a location, with the archives that definitions name. */
export async function openLogWithArchives(
  location: LogLocation,
  flags: SecurityFlags,
  definitions: Definitions,
  definitionsDir: string,
  onWarning: (message: string) => void,
): Promise<Log> {
  return joinArchives(await openLog(location, flags, onWarning), definitions, definitionsDir, onWarning);
}

/** Topic → folder: records are the topic's, whichever of its sources names the archive. */
function archivesOf({ sources }: Definitions, definitionsDir: string): ReadonlyMap<string, string> {
  const archives = new Map<string, string>();
  for (const source of sources.values()) {
    const folder = archiveFolder(source, definitionsDir);
    if (folder === null) continue;
    const other = archives.get(source.topic);
    if (other !== undefined && other !== folder) {
      const message = `sources of topic ${source.topic} name two archives, ${other} and ${folder}: it can have one`;
      throw new UsageError(message);
    }
    archives.set(source.topic, folder);
  }
  return archives;
}
