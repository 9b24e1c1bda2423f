/** Local clock readings without a date, made UTC. */

const DAY_MS = 86_400_000;
const formatters = new Map<string, Intl.DateTimeFormat>();

/**
 * The first moment after `afterMs` (UTC ms) at which clocks in `zone` show `clock` (HHMM; 2400 is midnight), UTC ms.
 * A day on which a change of offset skips that reading is passed over.
 */
export function localClockToUtcMs(clock: number, zone: string, afterMs: number): number {
  const clockMs = (Math.floor(clock / 100) * 60 + (clock % 100)) * 60_000;
  const localMidnight = Math.floor((afterMs + zoneOffsetMs(zone, afterMs)) / DAY_MS) * DAY_MS;
  for (const day of [0, 1, 2]) {
    const local = localMidnight + day * DAY_MS + clockMs;
    // The offset at the guess may differ from the one at the answer only next to a change; one correction settles it.
    const guess = local - zoneOffsetMs(zone, local);
    const utc = local - zoneOffsetMs(zone, guess);
    if (utc > afterMs && utc + zoneOffsetMs(zone, utc) === local) return utc;
  }
  throw new Error(`clocks in ${zone} never show ${clock} after ${new Date(afterMs).toISOString()}`);
}

/** Local minus UTC at a moment, ms. */
function zoneOffsetMs(zone: string, utcMs: number): number {
  let formatter = formatters.get(zone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
    formatters.set(zone, formatter);
  }
  const name = formatter.formatToParts(utcMs).find((part) => part.type === 'timeZoneName')?.value ?? '';
  const match = /^GMT(?:([+-])(\d{2}):(\d{2}))?$/.exec(name);
  if (match === null) throw new Error(`cannot read the offset "${name}" of ${zone}`);
  const minutes = Number(match[2] ?? 0) * 60 + Number(match[3] ?? 0);
  return (match[1] === '-' ? -minutes : minutes) * 60_000;
}
