import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatCounted,
  formatDuration,
  formatNumber,
  formatShare,
  formatSpan,
  shortDuration,
} from '../../../src/load/result/format.ts';

describe('figures for people', () => {
  it.each([
    [0, '0 ms', '0 ms'],
    [0.0042, '4.2 µs', '4.2 µs'],
    [0.35, '350 µs', '350 µs'],
    [0.9996, '1.00 ms', '1 ms'],
    [1.2444, '1.24 ms', '1.2 ms'],
    [8, '8.00 ms', '8 ms'],
    [12.34, '12.3 ms', '12 ms'],
    [345, '345 ms', '350 ms'],
    [999.7, '1.00 s', '1 s'],
    [1_234, '1.23 s', '1.2 s'],
    [125_000, '2 min 5 s', '2 min 5 s'],
  ])('durations: %d ms', (ms, long, short) => {
    expect([formatDuration(ms), shortDuration(ms)]).toEqual([long, short]);
  });

  it.each([
    [0.5, '0.5 s'],
    [30, '30 s'],
    [59.6, '1 min'],
    [120, '2 min'],
    [3_599.7, '1 h'],
    [5_400, '1 h 30 min'],
    [86_400 * 2, '2 d'],
  ])('spans: %d s', (seconds, text) => {
    expect(formatSpan(seconds)).toBe(text);
  });

  it.each([
    [0, '0 bytes'],
    [1_023, '1,023 bytes'],
    [1_024, '1.00 KiB'],
    [21_914, '21.4 KiB'],
    [1_048_575, '1.00 MiB'],
    [1_000 * 2 ** 20, '1,000 MiB'],
    [5 * 2 ** 40, '5.00 TiB'],
    [5_000 * 2 ** 40, '5,000 TiB'],
  ])('bytes: %d', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it.each([
    [0, '0 %'],
    [0.000_001, 'under 0.001 %'],
    [0.0123, '1.23 %'],
    [0.5, '50 %'],
    [0.999_99, '99.999 %'],
    [0.999_999_9, '99.999 %'],
    [1, '100 %'],
  ])('shares: %d', (share, text) => {
    expect(formatShare(share)).toBe(text);
  });

  it.each([
    [0.424_2, '0.424'],
    [49.84, '49.8'],
    [50, '50'],
    [999.96, '1,000'],
    [1_234.5, '1,235'],
  ])('numbers: %d', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  it('counts', () => {
    expect([formatCounted(1, 'user', 'users'), formatCounted(2_000, 'user', 'users')]).toEqual([
      '1 user',
      '2,000 users',
    ]);
  });
});
