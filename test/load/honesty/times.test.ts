/** What a server does slowly is reported as slow as it was for the people, and for as many of them. */

import { expect, it } from 'vitest';
import { testFolder } from '../../support/folder.ts';
import { until } from '../../support/process.ts';
import { goodCode, type Trial, tryOut } from './trial.ts';

const folder = testFolder();

const STALL_MS = 500;
const RATE = 400;

/** Forty pairs; nobody has said anything before the measured phase. */
const PAIRS = {
  users: 80,
  groups: [{ kind: 'pairs' as const }],
  phases: [
    { kind: 'ramp' as const, seconds: 0.2 },
    { kind: 'steady' as const, seconds: 3.5 },
  ],
};
const OPEN = { ...PAIRS, talk: { loop: 'open' as const, perUserPerMinute: (RATE * 60) / PAIRS.users } };

function deliveriesOf({ result }: Trial) {
  const { deliver } = result.latency;
  if (deliver === null) throw new Error('nothing was delivered');
  return deliver;
}

it('20 ms of delay for 1 % of the messages', async () => {
  const trial = await tryOut(folder, { delayEvery: 100 }, OPEN);
  expect(trial.counted.delayed).toBeGreaterThan(10);
  // One in 100 is late, and of these are the slowest 1 in 200 and in 1,000, whatever else is slow. Half of all is
  // fast, unless the machine is slower than the delay.
  const { p50, p999, curve } = deliveriesOf(trial);
  expect(p999).toBeGreaterThanOrEqual(20);
  expect(new Map(curve).get(99.5)).toBeGreaterThanOrEqual(20);
  expect(p50).toBeLessThan(20);
  expect(trial.code).toBe(goodCode(trial.result));
});

it('a stall of half a second: every message due meanwhile is late', async () => {
  const trial = await tryOut(folder, { stallAt: 800, stallMs: STALL_MS }, OPEN);
  const { stalledMs, messages } = trial.counted;
  expect(stalledMs).toBeGreaterThan(STALL_MS - 5);
  const { count, mean, p50, curve, max } = deliveriesOf(trial);
  expect(count).toBe(messages);

  // RATE × stall messages were due meanwhile, each as late as the stall lasted yet: on average half of it. Who was late for
  // another reason was so by about the median.
  const late = (RATE * stalledMs) / 1_000;
  const sum = count * (mean - p50);
  expect(sum).toBeGreaterThan(0.6 * late * (stalledMs / 2));
  expect(sum).toBeLessThan(1.8 * late * (stalledMs / 2));
  // Evenly between nothing and all of it: about a quarter of them by less than a quarter, and so on.
  expect(shareAbove(curve, stalledMs / 2) * count).toBeGreaterThan(0.3 * late);
  expect(shareAbove(curve, stalledMs / 2) * count).toBeLessThan(0.9 * late);
  expect(max).toBeGreaterThan(0.9 * stalledMs);
});

it('a stall in a closed loop: only messages in flight are late', async () => {
  const trial = await tryOut(
    folder,
    { stallAt: 800, stallMs: STALL_MS },
    { ...PAIRS, talk: { loop: 'closed', inFlight: 1 } },
  );
  const { count, p95, max } = deliveriesOf(trial);
  expect(count).toBeGreaterThan(2_000);
  // Forty conversations, each with one message under way: forty of thousands.
  expect(max).toBeGreaterThan(0.9 * STALL_MS);
  expect(p95).toBeLessThan(STALL_MS / 2);
  expect(count).toBe(trial.counted.messages);
});

it.runIf(process.platform !== 'win32')(
  'a generator that stands still itself: it says so, and nobody is late for less',
  async () => {
    let stoppedMs = 0;
    const trial = await tryOut(folder, {}, OPEN, [], async ({ child, stderr }) => {
      await until('a second of talk', () => /^steady .*[1-9]\d* delivered\/s/m.test(stderr()));
      const began = performance.now();
      child.kill('SIGSTOP');
      await new Promise((resolve) => setTimeout(resolve, STALL_MS));
      stoppedMs = performance.now() - began;
      child.kill('SIGCONT');
    });
    // The same messages are late as if the server had stood still, and they are late for the same time.
    const { figures, invalid, correctness } = trial.result;
    const late = (RATE * stoppedMs) / 1_000;
    const { count, mean, p50, max } = deliveriesOf(trial);
    expect(figures.late).toBeGreaterThan(0.6 * late);
    expect(count * (mean - p50)).toBeGreaterThan(0.6 * late * (stoppedMs / 2));
    expect(max).toBeGreaterThan(0.8 * stoppedMs);
    expect(invalid[0]).toContain('this machine could not keep up');
    expect(trial.stdout).toMatch(/^Not a valid measurement of the server\./);
    expect([correctness.lost, figures.dropped, figures.due]).toEqual([0, 0, figures.sent]);
    expect(trial.code).toBe(75);
  },
);

/** The part of the values above a limit, between the two points of the curve next to it: the larger share and the smaller. */
function shareAbove(curve: readonly (readonly [number, number])[], limit: number): number {
  const after = curve.findIndex(([, value]) => value > limit);
  const [[below, low] = [0, 0], [above, high] = [100, limit]] = [curve[after - 1], curve[after]];
  const percentile = high > low ? below + ((above - below) * (limit - low)) / (high - low) : above;
  return 1 - percentile / 100;
}
