/** Formats figures for people: three significant digits and a unit. */

const WHOLE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const BYTE_UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Formats milliseconds: `350 µs`, `1.24 ms`, `345 ms`, `1.23 s`, `2 min 5 s`. */
export function formatDuration(ms: number): string {
  return durationOf(ms, (value) => withDigits(value, 3));
}

/** The same with fewer digits, for a sentence or an axis: `1.2 ms`, `8 ms`. */
export function shortDuration(ms: number, digits = 2): string {
  return durationOf(ms, (value) => plain(Number(value.toPrecision(digits))), digits);
}

/** Formats a length of time in seconds: `30 s`, `2 min`, `1 h 30 min`, `2 d 3 h`. */
export function formatSpan(seconds: number): string {
  if (seconds < 10) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return two(Math.floor(whole / 60), 'min', whole % 60, 's');
  const minutes = Math.round(whole / 60);
  if (minutes < 1_440) return two(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.round(minutes / 60);
  return two(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

/** `512 bytes`, `21.4 KiB`, `92.1 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // A value that rounds to 1,024 is shown as 1 of the next unit.
  while (Math.abs(Number(value.toPrecision(4))) >= 1_024 && unit < BYTE_UNITS.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  return `${unit === 0 ? WHOLE.format(value) : withDigits(value, 3)} ${BYTE_UNITS[unit]}`;
}

/** `12,345` */
export function formatCount(count: number): string {
  return WHOLE.format(count);
}

/** Formats a number with or without a fraction, such as a rate: `0.42`, `49.8`, `1,234`. */
export function formatNumber(value: number): string {
  return Number.isInteger(value) ? WHOLE.format(value) : withDigits(value, 3);
}

/** Formats a fraction of 1 as `12.3 %`. Shows `0 %` and `100 %` only if they are exact. */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent > 0 && percent < 0.001) return 'under 0.001 %';
  if (percent > 99.9 && percent < 100) return `${Math.floor(percent * 1_000 + 1e-6) / 1_000} %`;
  return `${trimmed(percent)} %`;
}

/** `1 message`, `2,000 messages`. */
export function formatCounted(count: number, one: string, many: string): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

function durationOf(ms: number, format: (value: number) => string, digits = 3): string {
  const rounded = Number(ms.toPrecision(digits));
  if (rounded === 0) return '0 ms';
  if (Math.abs(rounded) < 1) return `${trimmed(ms * 1_000, 2)} µs`;
  if (Math.abs(rounded) < 1_000) return `${format(ms)} ms`;
  if (Math.abs(rounded) < 60_000) return `${format(ms / 1_000)} s`;
  return formatSpan(ms / 1_000);
}

function two(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** Without trailing zeros. A number with more than `digits` digits before the point is shown in full. */
function trimmed(value: number, digits = 3): string {
  return plain(Number(withDigits(value, digits).replaceAll(',', '')));
}

function withDigits(value: number, digits: number): string {
  const rounded = Number(value.toPrecision(digits));
  if (Math.abs(rounded) >= 10 ** (digits - 1)) return WHOLE.format(value);
  if (rounded === 0) return '0';
  return value.toFixed(digits - 1 - Math.floor(Math.log10(Math.abs(rounded))));
}

function plain(value: number): string {
  return Number.isInteger(value) ? WHOLE.format(value) : String(value);
}
