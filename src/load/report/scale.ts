/** Scales of chart axes: the positions of values, and the ticks. */

import { formatCount, shortDuration } from '../result/format.ts';
import { ninesOf } from '../result/percentile.ts';

export interface Tick {
  readonly value: number;
  readonly label: string;
}

export interface Scale {
  /** Ascending. */
  readonly ticks: readonly Tick[];
  /** The position of a value, from 0 at the start of the axis to 1. */
  position(value: number): number;
}

const STEPS = [1, 2, 5, 10];
const SECOND_STEPS = [1, 2, 5, 10, 15, 30];
const TIME_STEPS = [
  ...SECOND_STEPS,
  ...SECOND_STEPS.map((step) => step * 60),
  ...[1, 2, 3, 6, 12, 24, 48, 168].map((step) => step * 3_600),
];

/** From 0 to at least `most`, with about `count` round steps. */
export function linearScale(most: number, count: number, label: (value: number) => string): Scale {
  const step = roundStep((most > 0 ? most : 1) / count);
  // Leaves some space above, so that a line along the top remains visible.
  const steps = Math.max(1, Math.ceil((most / step) * 1.02));
  const end = steps * step;
  const ticks = Array.from({ length: steps + 1 }, (_, index) => ({
    value: index * step,
    label: label(index * step),
  }));
  return { ticks, position: (value) => value / end };
}

export function numberScale(most: number, count: number): Scale {
  return linearScale(most, count, plain);
}

/** Whole numbers only. */
export function countScale(most: number, count: number): Scale {
  return linearScale(Math.max(most, count), count, formatCount);
}

/** Bytes, with round steps in a suitable unit. */
export function byteScale(most: number, count: number): Scale {
  const power = Math.min(4, Math.max(0, Math.floor(Math.log2(Math.max(most, 1)) / 10)));
  const size = 2 ** (10 * power);
  const unit = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'][power];
  const scale = linearScale(most / size, count, (value) => `${plain(value)} ${unit}`);
  return {
    ticks: scale.ticks.map(({ value, label }) => ({ value: value * size, label })),
    position: (value) => scale.position(value / size),
  };
}

/** Milliseconds: linear from 0 if the values have the same order of magnitude, and otherwise logarithmic. */
export function durationScale(values: readonly number[], count: number): Scale {
  const positive = values.filter((value) => value > 0);
  const most = maximum(positive, 0);
  const least = minimum(positive, most);
  if (!isLogarithmic(values)) return linearScale(most, count, (value) => shortDuration(value, 3));
  return logScale(least, most, count, (value) => shortDuration(value, 1));
}

/** Whether `durationScale` is logarithmic for these values. */
export function isLogarithmic(values: readonly number[]): boolean {
  const positive = values.filter((value) => value > 0);
  return maximum(positive, 0) > 30 * minimum(positive, 0);
}

/** A logarithmic scale between round numbers. `least` and `most` are positive. */
function logScale(least: number, most: number, count: number, label: (value: number) => string): Scale {
  const round = Array.from({ length: 28 }, (_, index) => 10 ** (index - 9)).flatMap((power) =>
    [1, 2, 5].map((step) => step * power),
  );
  const first = round.findLast((value) => value <= least) ?? least;
  const last = round.find((value) => value >= most) ?? most;
  const between = round.filter((value) => value >= first && value <= last);
  const powers = between.filter((value) => Math.abs(Math.log10(value) % 1) < 1e-9);
  const every = Math.ceil(powers.length / (count + 2));
  const shown = between.length <= count + 3 ? between : powers.filter((_, index) => index % every === 0);
  const span = Math.log10(last / first);
  return {
    ticks: shown.map((value) => ({ value, label: label(value) })),
    position: (value) => (value <= first ? 0 : Math.log10(value / first) / span),
  };
}

/** A period of the run, in seconds since its start. */
export interface Period {
  readonly from: number;
  readonly to: number;
  /** True if the period is not part of the figures. */
  readonly isUnmeasured: boolean;
}

/** Most of the axis that all unmeasured periods together may take. */
const UNMEASURED_SHARE = 0.2;

/**
 * The time of a run, made of consecutive periods. Unmeasured periods that would take up too much of the axis, such as a long
 * ramp, are compressed and get no ticks.
 */
export function timeScale(periods: readonly Period[], count: number): Scale {
  const lengthOf = (isUnmeasured: boolean): number =>
    periods.reduce((sum, { from, to, ...of }) => sum + (of.isUnmeasured === isUnmeasured ? to - from : 0), 0);
  const [unmeasured, measured] = [lengthOf(true), lengthOf(false)];
  const compressed = (measured * UNMEASURED_SHARE) / (1 - UNMEASURED_SHARE);
  const isCompressed = measured > 0 && unmeasured > compressed;
  const weight = isCompressed ? compressed / unmeasured : 1;
  const end = Math.max(1, periods.at(-1)?.to ?? 0);
  const whole = isCompressed ? measured + compressed : end;
  const step = roundSeconds((isCompressed ? measured : end) / count);
  const unit =
    step % 3_600 === 0
      ? ([3_600, 'h'] as const)
      : step % 60 === 0
        ? ([60, 'min'] as const)
        : ([1, 's'] as const);
  const isUnmeasuredAt = (value: number): boolean =>
    periods.some(({ from, to, isUnmeasured }) => isUnmeasured && value > from && value < to);
  const ticks = Array.from({ length: Math.floor(end / step) + 1 }, (_, index) => ({
    value: index * step,
    label: index === 0 ? '0' : `${formatCount((index * step) / unit[0])} ${unit[1]}`,
  })).filter(({ value }) => !isCompressed || !isUnmeasuredAt(value));
  const position = (value: number): number =>
    periods.reduce((sum, { from, to, isUnmeasured }) => {
      const passed = Math.max(0, Math.min(value, to) - from);
      return sum + passed * (isUnmeasured ? weight : 1);
    }, 0) / whole;
  return { ticks, position };
}

/** The shortest customary length of time that has at least that many seconds. */
export function roundSeconds(least: number): number {
  return TIME_STEPS.find((step) => step >= least) ?? Math.ceil(least / 86_400) * 86_400;
}

/** Percentiles up to the highest that `count` values support; each nine gets the same space. */
export function percentileScale(count: number): Scale {
  const nines = Math.min(7, Math.max(1, Math.log10(Math.max(count, 1))));
  const ticks = [0, 50, 90, 99, 99.9, 99.99, 99.999, 99.9999]
    .filter((percentile) => ninesOf(percentile) <= nines + 1e-9)
    .map((percentile) => ({ value: percentile, label: `${percentile} %` }));
  return {
    ticks,
    position: (percentile) => (percentile >= 100 ? 1 : Math.min(1, ninesOf(percentile) / nines)),
  };
}

/** The maximum of any number of values; `otherwise` if there are none. */
export function maximum(values: readonly number[], otherwise: number): number {
  return values.reduce((most, value) => Math.max(most, value), values[0] ?? otherwise);
}

function minimum(values: readonly number[], otherwise: number): number {
  return values.reduce((least, value) => Math.min(least, value), values[0] ?? otherwise);
}

/** Three significant digits, without trailing zeros. */
function plain(value: number): string {
  const rounded = Number(value.toPrecision(3));
  return Number.isInteger(rounded) ? formatCount(rounded) : String(rounded);
}

function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return (STEPS.find((step) => step * power >= least * (1 - 1e-9)) ?? 10) * power;
}
