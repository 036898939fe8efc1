/** Connections that end, servers that go away, and people who press Ctrl-C. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { testFolder } from '../../support/folder.ts';
import { until } from '../../support/process.ts';
import { startRelay } from './relay.ts';
import { goodCode, ROOMS, scenarioFile, startLoad, type Trial, tryOut } from './trial.ts';

const folder = testFolder();
const ACCOUNTS = ['--accounts', '40', '--threads', '2'];
const LOST_AND_FOUND = { ...ROOMS, churnPerSecond: 16, awaySeconds: 0.3 };

function noFaults({ result }: Trial): void {
  const none = { lost: 0, repeated: 0, reordered: 0, diverged: 0, foreign: 0, examples: [] };
  expect(result.correctness).toMatchObject(none);
}

/** Connections that ended, all errors there were; what was under way may make it a reset instead of an end. */
function closedIn({ figures }: Trial['result']): number {
  const { 'not connected at the end': _, ...errors } = figures.errors;
  for (const name of Object.keys(errors))
    expect(name).toMatch(/^closed: (the server closed the connection|.*ECONNRESET|.*EPIPE)$/);
  return Object.values(errors).reduce((sum, count) => sum + count, 0);
}

it.concurrent('a guest whose connection ends is no longer checked', async () => {
  const trial = await tryOut(folder, { cutEvery: 100 });
  const { result, counted, code } = trial;
  expect(counted.cut).toBeGreaterThan(3);
  noFaults(trial);
  // Each end took away the answer to one message, and to what came right behind it.
  expect(result.correctness.unknown).toBeGreaterThanOrEqual(counted.cut);
  expect(result.figures.sent).toBe(result.figures.acknowledged + result.correctness.unknown);
  expect(closedIn(result)).toBe(counted.cut);
  expect(result.figures.errors).toMatchObject({ 'not connected at the end': counted.cut });
  expect(result.correctness.expected).toBe(result.correctness.delivered);
  expect([result.ended, code]).toEqual(['complete', goodCode(result)]);
});

it.concurrent('a user that reconnects receives everything once and resends unanswered messages', async () => {
  const trial = await tryOut(folder, { cutEvery: 100 }, LOST_AND_FOUND, ACCOUNTS);
  const { result, counted, code } = trial;
  noFaults(trial);
  expect(counted.cut).toBeGreaterThan(3);
  expect(result.correctness).toMatchObject({
    unknown: 0,
    expected: counted.deliveries,
    delivered: counted.deliveries,
  });
  expect(result.figures).toMatchObject({ sent: counted.messages, acknowledged: counted.messages });
  expect(closedIn(result)).toBe(counted.cut);
  expect(counted.resumed).toBeGreaterThan(counted.cut + 5);
  expect(result.latency.resume?.count).toBe(counted.resumed);
  // From when it wanted to come back, and not from when it went.
  expect(result.latency.resume?.min).toBeLessThan(300);
  expect(code).toBe(goodCode(result));
});

it.concurrent('a connection that ends during a replay: nothing arrives twice', async () => {
  const trial = await tryOut(folder, { cutReplayAfter: 2 }, LOST_AND_FOUND, ACCOUNTS);
  const { result, counted, code } = trial;
  noFaults(trial);
  expect(counted.cut).toBeGreaterThan(3);
  expect(result.correctness).toMatchObject({ expected: counted.deliveries, delivered: counted.deliveries });
  expect(closedIn(result)).toBe(counted.cut);
  expect(code).toBe(goodCode(result));
});

it.concurrent('the delay of a resent message does not count as latency', async () => {
  const trial = await tryOut(
    folder,
    { dropEvery: 60, slowDoorMs: 4_000 },
    { ...ROOMS, churnPerSecond: 1e-7 },
    ACCOUNTS,
  );
  const { result, counted } = trial;
  noFaults(trial);
  expect(counted.cut).toBeGreaterThan(5);
  expect(result.figures).toMatchObject({ sent: counted.messages, acknowledged: counted.messages });
  expect(result.correctness).toMatchObject({ unknown: 0, delivered: counted.deliveries });
  expect(result.latency.deliver?.max).toBeLessThan(3_900);
  expect(result.latency.acknowledge?.max).toBeLessThan(3_900);
  expect(result.latency.resume?.min).toBeGreaterThanOrEqual(3_990);
});

it.concurrent('a user that cannot reconnect is reported, but what it missed is not', async () => {
  const trial = await tryOut(folder, { closeDoorAt: 500 }, LOST_AND_FOUND, ACCOUNTS);
  const { result, code } = trial;
  noFaults(trial);
  expect(result.figures.errors['connect: ECONNREFUSED']).toBeGreaterThan(3);
  expect(result.figures.errors['not connected at the end']).toBeGreaterThan(3);
  expect([result.ended, code]).toEqual(['complete', goodCode(result)]);
});

it.concurrent.each([
  ['guests', ROOMS, []],
  ['accounts', LOST_AND_FOUND, ACCOUNTS],
])('a server that goes away, with %s: what was measured is told and written', async (_, scenario, args) => {
  const trial = await tryOut(folder, { goAwayAt: 400 }, scenario, args);
  const { result, counted, code, stdout } = trial;
  noFaults(trial);
  expect([result.ended, code]).toEqual(['server_gone', 69]);
  expect(stdout).toMatch(/^The server went away after/);
  expect(counted.messages).toBe(399);
  const { acknowledged, sent } = result.figures;
  expect(acknowledged).toBeGreaterThan(300);
  expect(sent).toBe(acknowledged + result.correctness.unknown);
  expect(result.correctness.delivered).toBeGreaterThan(2_500);
  expect(result.correctness.delivered).toBeLessThanOrEqual(9 * 400);
});

it.concurrent('a server with an unknown process is gone when all connections are', async () => {
  const phases = [{ kind: 'steady' as const, seconds: 60 }];
  const trial = await tryOut(folder, { hangUpAt: 400 }, { ...LOST_AND_FOUND, phases }, ACCOUNTS);
  noFaults(trial);
  expect([trial.result.ended, trial.code]).toEqual(['server_gone', 69]);
  expect(trial.result.figures.seconds).toBeLessThan(30);
});

it.concurrent('a user that stays offline for long does not make the server count as gone', async () => {
  const scenario = { ...ROOMS, users: 2, churnPerSecond: 20, awaySeconds: 5 };
  const phases = [{ kind: 'steady' as const, seconds: 5 }];
  const trial = await tryOut(folder, {}, { ...scenario, phases }, ['--accounts', '2']);
  expect(trial.result.series.filter(({ connections }) => connections === 0).length).toBeGreaterThan(3);
  expect([trial.result.ended, trial.code]).toEqual(['complete', goodCode(trial.result)]);
});

it.concurrent('Ctrl-C during a run: summary and result', async () => {
  const trial = await tryOut(
    folder,
    {},
    { ...ROOMS, phases: [{ kind: 'steady', seconds: 60 }] },
    [],
    async (program) => {
      await until('a second of talk', () => /^steady .*[1-9]\d* delivered\/s/m.test(program.stderr()));
      program.child.kill('SIGINT');
    },
  );
  const { result, counted, code, stdout } = trial;
  noFaults(trial);
  expect([result.ended, code]).toEqual(['interrupted', 130]);
  expect(stdout).toMatch(/^Interrupted after/);
  expect(result.correctness).toMatchObject({ expected: counted.deliveries, delivered: counted.deliveries });
  expect(result.figures.seconds).toBeLessThan(20);
});

it.concurrent('Ctrl-C during the ramp: exits immediately, without an error', async () => {
  const relay = await startRelay();
  const json = join(folder, 'early.json');
  const phases = [
    { kind: 'ramp' as const, seconds: 60 },
    { kind: 'steady' as const, seconds: 1 },
  ];
  const file = scenarioFile(folder, { ...ROOMS, phases });
  const program = startLoad([file, '--server', relay.address, '--json', json]);
  await until('somebody to be in', () => /^ramp .* [1-9]\d* connected/m.test(program.stderr()));
  const began = performance.now();
  program.child.kill('SIGINT');
  expect((await program.exit()).code).toBe(130);
  expect(performance.now() - began).toBeLessThan(5_000);
  expect(program.stdout()).toContain('the run ended before anything was measured');
  expect(program.stderr()).toMatch(/^(ramp .*\n)+$/);
  expect(JSON.parse(readFileSync(json, 'utf8'))).toMatchObject({ ended: 'interrupted' });
  relay.stop();
});
