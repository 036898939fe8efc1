/** How tables and charts of the page format figures. */

import { formatCount } from '../../src/load/result/format.ts';

/** `0.736 µs` */
export function formatCpu(microseconds: number): string {
  return `${formatSignificant(microseconds, 3)} µs`;
}

/** A rate per second, such as `903,000`. */
export function formatRate(rate: number): string {
  return formatCount(Number(rate.toPrecision(3)));
}

/** A number with that many significant digits. */
export function formatSignificant(value: number, digits: number): string {
  return value < 10 ** digits ? value.toPrecision(digits) : formatCount(value);
}
