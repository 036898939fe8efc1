/** Times for people, in the time zone of this process. */

/** The latest time that a `Date` can hold. */
const LATEST = 8.64e15;

/** `at` is in ms since 1970; a value outside the range of `Date` becomes the nearest valid one. */
export function toDate(at: number): Date {
  return new Date(Math.min(Math.max(at, 0), LATEST) || 0);
}

/** `2026-01-20 14:05` */
export function formatDate(date: Date): string {
  const day = `${date.getFullYear()}-${twoDigits(date.getMonth() + 1)}-${twoDigits(date.getDate())}`;
  return `${day} ${twoDigits(date.getHours())}:${twoDigits(date.getMinutes())}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
