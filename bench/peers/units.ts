/** How the figures of the page are written, in its tables and in its charts. */

import { formatCount } from '../../src/load/result/format.ts';

/** From microseconds: `0.736 µs`. */
export function writeCpu(microseconds: number): string {
  return `${significant(microseconds, 3)} µs`;
}

/** Of something a second: `903,000`. */
export function writeRate(rate: number): string {
  return formatCount(Number(rate.toPrecision(3)));
}

/** A number with so many digits that count. */
export function significant(value: number, digits: number): string {
  return value < 10 ** digits ? value.toPrecision(digits) : formatCount(value);
}
