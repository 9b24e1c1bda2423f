/** Functions of timestamps: the clock and calendar of a time zone (UTC when none is given). */
import { TIMESTAMP_MS_MAX } from '../core/time.ts';
import { dayOfMonth, dayOfWeek, hourOfDay, hourOfWeek, localClock, month, year } from './calendar.ts';
import { EvaluationError } from './evaluation-error.ts';
import { type Apply, type FunctionRule, rule } from './function-rule.ts';
import { INT, TIMESTAMP } from './typed.ts';

/** A reading of the local clock. */
function reading(name: string, read: (localMs: number) => number, about: string): FunctionRule {
  const inUtc: Apply = (utcMs: number) => read(utcMs);
  return rule(name, ['timestamp', 'zone'], INT, inUtc, about, {
    optional: 1,
    compile: ([, zone]) => {
      const clock = typeof zone?.constant === 'string' ? localClock(zone.constant) : null;
      return clock === null ? inUtc : (utcMs: number) => read(clock(utcMs));
    },
  });
}

function timestampOf(ms: number): number {
  if (Math.abs(ms) > TIMESTAMP_MS_MAX) throw new EvaluationError(`${ms} ms is beyond the range of timestamps`);
  return ms;
}

export const TIME_FUNCTIONS: readonly FunctionRule[] = [
  reading('hour_of_day', hourOfDay, 'Hour of the local day, 0 to 23.'),
  reading('day_of_week', dayOfWeek, 'Day of the local week, as in ISO 8601: Monday 1 to Sunday 7.'),
  reading('hour_of_week', hourOfWeek, '(day_of_week − 1) × 24 + hour_of_day: 0 (Monday, from midnight) to 167.'),
  reading('day_of_month', dayOfMonth, 'Day of the local month, 1 to 31.'),
  reading('month', month, 'Local month, 1 to 12.'),
  reading('year', year, 'Local year.'),
  rule('epoch_ms', ['timestamp'], INT, (ms: number) => ms, 'Milliseconds since 1970-01-01T00:00:00Z.'),
  rule(
    'timestamp_ms',
    ['int'],
    TIMESTAMP,
    timestampOf,
    'The timestamp that many milliseconds after 1970-01-01T00:00:00Z.',
  ),
];
