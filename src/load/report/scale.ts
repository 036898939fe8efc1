/** Axes: where a value stands, and which values are written beside them. */

import { formatCount, formatNumber, shortDuration } from '../format.ts';
import { ninesOf } from '../percentile.ts';

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
  const steps = Math.max(1, Math.ceil(most / step - 1e-9));
  const end = steps * step;
  const ticks = Array.from({ length: steps + 1 }, (_, index) => ({
    value: index * step,
    label: label(index * step),
  }));
  return { ticks, place: (value) => value / end };
}

export function numberScale(most: number, count: number): Scale {
  return linearScale(most, count, (value) => formatNumber(Number(value.toPrecision(3))));
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
  const scale = linearScale(
    most / size,
    count,
    (value) => `${formatNumber(Number(value.toPrecision(3)))} ${unit}`,
  );
  return { ticks: scale.ticks, place: (value) => scale.place(value / size) };
}

/** Milliseconds, from 0 if the values are of one size, and in powers of ten if they are not. */
export function durationScale(values: readonly number[], count: number): Scale {
  const positive = values.filter((value) => value > 0);
  const most = maximum(positive, 0);
  const least = minimum(positive, most);
  if (least * 30 > most || most === 0) return linearScale(most, count, (value) => shortDuration(value, 3));
  const first = Math.floor(Math.log10(least));
  const decades = Math.max(1, Math.ceil(Math.log10(most)) - first);
  // Of many decades only some are written, so that their labels have room.
  const every = Math.ceil(decades / 6);
  const halves = decades <= 3 ? [1, 2, 5] : [1];
  const ticks = Array.from({ length: decades + 1 }, (_, decade) => decade)
    .filter((decade) => decade % every === 0)
    .flatMap((decade) => halves.map((half) => half * 10 ** (first + decade)))
    .filter((value) => value <= 10 ** (first + decades) * 1.001)
    .map((value) => ({ value, label: shortDuration(value, 1) }));
  return {
    ticks,
    place: (value) => (value <= 0 ? 0 : Math.max(0, (Math.log10(value) - first) / decades)),
  };
}

/** Seconds of a run. */
export function timeScale(seconds: number, count: number): Scale {
  const end = Math.max(1, seconds);
  const step = TIME_STEPS.find((candidate) => end / candidate <= count) ?? roundStep(end / count);
  const unit =
    step % 3_600 === 0
      ? ([3_600, 'h'] as const)
      : step % 60 === 0
        ? ([60, 'min'] as const)
        : ([1, 's'] as const);
  const ticks = Array.from({ length: Math.floor(end / step) + 1 }, (_, index) => ({
    value: index * step,
    label: index === 0 ? '0' : `${formatCount((index * step) / unit[0])} ${unit[1]}`,
  }));
  return { ticks, place: (value) => value / end };
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

function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return (STEPS.find((step) => step * power >= least * (1 - 1e-9)) ?? 10) * power;
}
