/** Times as people read them, in the time zone of this process. */

/** The end of what a `Date` can hold. */
const LATEST = 8.64e15;

/** `at` is in ms since 1970; what no calendar has becomes the nearest that it has. */
export function momentOf(at: number): Date {
  return new Date(Math.min(Math.max(at, 0), LATEST) || 0);
}

/** `2026-01-20 14:05` */
export function formatMoment(moment: Date): string {
  const day = `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
  return `${day} ${two(moment.getHours())}:${two(moment.getMinutes())}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
