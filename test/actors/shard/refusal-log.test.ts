import { expect, it } from 'vitest';
import { nameForLog, Refusals } from '../../../src/actors/shard/refusal-log.ts';

it('admits ten a minute, and counts the others', () => {
  const refusals = new Refusals();
  const admit = (now: number, count: number): number =>
    Array.from({ length: count }, () => refusals.admits(now)).filter((isLogged) => isLogged).length;
  expect(admit(1_000, 25)).toBe(10);
  expect(admit(60_999, 5)).toBe(0);
  expect(refusals.takeOmitted()).toBe(20);
  expect(refusals.takeOmitted()).toBeUndefined();
  expect(admit(61_000, 25)).toBe(10);
  expect(refusals.takeOmitted()).toBe(15);
});

it('makes names fit for the log', () => {
  expect(nameForLog('ann')).toBe('ann');
  expect(nameForLog('a\u0000\u001b[2J\u009b\u202eé')).toBe('a??[2J???');
  expect(nameForLog('x'.repeat(1_000))).toHaveLength(64);
  for (const value of [undefined, null, 7, ['ann'], { name: 'ann' }]) expect(nameForLog(value)).toBe('');
});
