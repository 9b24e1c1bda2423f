/** The raw tables of January's flights, as SQL that both of their oracles read. */
import { join } from 'node:path';

/** Standard time all January: hours behind UTC. */
export const HOURS_BEHIND_UTC = `CASE tzone
    WHEN 'America/New_York' THEN 5 WHEN 'America/Chicago' THEN 6 WHEN 'America/Denver' THEN 7
    WHEN 'America/Phoenix' THEN 7 WHEN 'America/Los_Angeles' THEN 8 WHEN 'America/Anchorage' THEN 9
    WHEN 'Pacific/Honolulu' THEN 10 END`;
/** A row's scheduled hour, ms. */
export const HOUR_MS = "epoch_ms(strptime(time_hour, '%Y-%m-%dT%H:%M:%SZ'))";

/** A table, all columns of it as texts. */
export function rawTable(rawDir: string, file: string): string {
  return `read_csv('${join(rawDir, file)}', all_varchar = true, nullstr = 'NA')`;
}
