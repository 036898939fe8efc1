/** Axes: where a value stands, and which values are written beside them. */

import { formatCount, shortDuration } from '../result/format.ts';
import { ninesOf } from '../result/percentile.ts';

export interface Tick {
  readonly value: number;
  readonly label: string;
}

export interface Scale {
  /** Rising. */
  readonly ticks: readonly Tick[];
  /** From 0, at the begin of the axis, to 1. */
  place(value: number): number;
}

const STEPS = [1, 2, 5, 10];
const SECOND_STEPS = [1, 2, 5, 10, 15, 30];
const TIME_STEPS = [
  ...SECOND_STEPS,
  ...SECOND_STEPS.map((step) => step * 60),
  ...[1, 2, 3, 6, 12, 24, 48, 168].map((step) => step * 3_600),
];

/** From 0 to at least `most`, in about `count` round steps. */
export function linearScale(most: number, count: number, label: (value: number) => string): Scale {
  const step = roundStep((most > 0 ? most : 1) / count);
  // Some room above, so that a line that goes along at the top is seen as one.
  const steps = Math.max(1, Math.ceil((most / step) * 1.02));
  const end = steps * step;
  const ticks = Array.from({ length: steps + 1 }, (_, index) => ({
    value: index * step,
    label: label(index * step),
  }));
  return { ticks, place: (value) => value / end };
}

export function numberScale(most: number, count: number): Scale {
  return linearScale(most, count, plain);
}

/** Whole numbers only. */
export function countScale(most: number, count: number): Scale {
  return linearScale(Math.max(most, count), count, formatCount);
}

/** Bytes, in round steps of the unit that fits. */
export function byteScale(most: number, count: number): Scale {
  const power = Math.min(4, Math.max(0, Math.floor(Math.log2(Math.max(most, 1)) / 10)));
  const size = 2 ** (10 * power);
  const unit = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'][power];
  const scale = linearScale(most / size, count, (value) => `${plain(value)} ${unit}`);
  return {
    ticks: scale.ticks.map(({ value, label }) => ({ value: value * size, label })),
    place: (value) => scale.place(value / size),
  };
}

/** Milliseconds, from 0 if the values are of one size, and in powers of ten if they are not. */
export function durationScale(values: readonly number[], count: number): Scale {
  const positive = values.filter((value) => value > 0);
  const most = maximum(positive, 0);
  const least = minimum(positive, most);
  if (!isOfManySizes(values)) return linearScale(most, count, (value) => shortDuration(value, 3));
  return logScale(least, most, count, (value) => shortDuration(value, 1));
}

/** Whether `durationScale` is logarithmic for these. */
export function isOfManySizes(values: readonly number[]): boolean {
  const positive = values.filter((value) => value > 0);
  return maximum(positive, 0) > 30 * minimum(positive, 0);
}

/** Between round numbers, both above 0. */
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
    place: (value) => (value <= first ? 0 : Math.log10(value / first) / span),
  };
}

/** A stretch of time, in seconds since the begin of the run. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  /** Nothing in it is part of the figures. */
  readonly isQuiet: boolean;
}

/** Of the axis, at most, for all that is quiet. */
const QUIET_SHARE = 0.2;

/**
 * Seconds of a run, whose stretches follow each other. Where quiet ones would take much of the axis, such as a long ramp, they are drawn
 * narrower, with no ticks in them.
 */
export function timeScale(stretches: readonly Stretch[], count: number): Scale {
  const lengthOf = (isQuiet: boolean): number =>
    stretches.reduce((sum, { from, to, ...of }) => sum + (of.isQuiet === isQuiet ? to - from : 0), 0);
  const [quiet, measured] = [lengthOf(true), lengthOf(false)];
  const narrowed = (measured * QUIET_SHARE) / (1 - QUIET_SHARE);
  const isNarrowed = measured > 0 && quiet > narrowed;
  const weight = isNarrowed ? narrowed / quiet : 1;
  const end = Math.max(1, stretches.at(-1)?.to ?? 0);
  const whole = isNarrowed ? measured + narrowed : end;
  const step = roundSeconds((isNarrowed ? measured : end) / count);
  const unit =
    step % 3_600 === 0
      ? ([3_600, 'h'] as const)
      : step % 60 === 0
        ? ([60, 'min'] as const)
        : ([1, 's'] as const);
  const isQuietAt = (value: number): boolean =>
    stretches.some(({ from, to, isQuiet }) => isQuiet && value > from && value < to);
  const ticks = Array.from({ length: Math.floor(end / step) + 1 }, (_, index) => ({
    value: index * step,
    label: index === 0 ? '0' : `${formatCount((index * step) / unit[0])} ${unit[1]}`,
  })).filter(({ value }) => !isNarrowed || !isQuietAt(value));
  const place = (value: number): number =>
    stretches.reduce((sum, { from, to, isQuiet }) => {
      const passed = Math.max(0, Math.min(value, to) - from);
      return sum + passed * (isQuiet ? weight : 1);
    }, 0) / whole;
  return { ticks, place };
}

/** A time that people count in, of at least so many seconds. */
export function roundSeconds(least: number): number {
  return TIME_STEPS.find((step) => step >= least) ?? Math.ceil(least / 86_400) * 86_400;
}

/** Percentiles up to what that many values can tell; each nine has as much room as the one before. */
export function percentileScale(count: number): Scale {
  const nines = Math.min(7, Math.max(1, Math.log10(Math.max(count, 1))));
  const ticks = [0, 50, 90, 99, 99.9, 99.99, 99.999, 99.9999]
    .filter((percentile) => ninesOf(percentile) <= nines + 1e-9)
    .map((percentile) => ({ value: percentile, label: `${percentile} %` }));
  return {
    ticks,
    place: (percentile) => (percentile >= 100 ? 1 : Math.min(1, ninesOf(percentile) / nines)),
  };
}

/** The greatest of any number of values. */
export function maximum(values: readonly number[], otherwise: number): number {
  return values.reduce((most, value) => Math.max(most, value), values[0] ?? otherwise);
}

function minimum(values: readonly number[], otherwise: number): number {
  return values.reduce((least, value) => Math.min(least, value), values[0] ?? otherwise);
}

/** Three digits, and no zeros behind them. */
function plain(value: number): string {
  const rounded = Number(value.toPrecision(3));
  return Number.isInteger(rounded) ? formatCount(rounded) : String(rounded);
}

function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return (STEPS.find((step) => step * power >= least * (1 - 1e-9)) ?? 10) * power;
}
