import type { Grouping } from './groups.js';

/** A period of the calendar, in UTC: year, half-year, quarter, month, week from Sunday. */
export type CalendarUnit = 'Y' | 'H' | 'Q' | 'M' | 'W';

const DAY_S = 86_400;
const MONTHS: Readonly<Record<Exclude<CalendarUnit, 'W'>, number>> = { Y: 12, H: 6, Q: 3, M: 1 };

/** Whether a text names a period. */
export function isCalendarUnit(text: string): text is CalendarUnit {
  return text === 'W' || Object.hasOwn(MONTHS, text);
}

/** Groups by periods; the key of a group is the second its period begins at, which may be before 1970 for a week. */
export function calendarGrouping(unit: CalendarUnit): Grouping {
  return { keyOf: (seconds) => periodStart(unit, seconds) };
}

/** The second at which the period of a time begins. */
export function periodStart(unit: CalendarUnit, seconds: number): number {
  if (unit === 'W') {
    const day = Math.floor(seconds / DAY_S);
    // 1970 began on a Thursday.
    return (day - ((day + 4) % 7)) * DAY_S;
  }
  const date = new Date(seconds * 1000);
  const months = MONTHS[unit];
  return Date.UTC(date.getUTCFullYear(), Math.floor(date.getUTCMonth() / months) * months) / 1000;
}
