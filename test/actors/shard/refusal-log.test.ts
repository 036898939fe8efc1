import { pino } from 'pino';
import { beforeEach, expect, it } from 'vitest';
import { failureDetails, RefusalLog } from '../../../src/actors/shard/refusal-log.ts';

let lines: Array<Readonly<Record<string, unknown>>>;
let refusals: RefusalLog;

beforeEach(() => {
  lines = [];
  refusals = new RefusalLog(pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) }), 7);
});

function write(count: number, now: number, code = 'bad_room'): void {
  for (let i = 0; i < count; i += 1) refusals.write(code, { user: 'ann' }, now);
}

it('logs ten refusals per minute and the number of omitted ones', () => {
  write(25, 1_000);
  write(5, 60_999);
  expect(lines).toHaveLength(10);
  expect(lines[0]).toMatchObject({ event: 'refused', connection: 7, code: 'bad_room', user: 'ann' });
  write(25, 61_000);
  expect(lines).toHaveLength(20);
  expect(lines.map(({ omitted }) => omitted).filter(Boolean)).toEqual([20]);
  refusals.close();
  expect(lines.at(-1)).toMatchObject({ event: 'refused.omitted', connection: 7, omitted: 15 });
  refusals.close();
  expect(lines).toHaveLength(21);
});

it('logs every wrong password, and does not count them', () => {
  write(25, 1_000, 'wrong_credentials');
  write(25, 1_000);
  expect(lines).toHaveLength(35);
});

it('makes names safe for the log', () => {
  const logged = (name: unknown): string => failureDetails('login.failed', name, '192.0.2.1').name;
  expect(logged('ann')).toBe('ann');
  expect(logged('a\u0000\u001b[2J\u009b\u202eé')).toBe('a??[2J???');
  expect(logged('x'.repeat(1_000))).toHaveLength(64);
  for (const value of [undefined, null, 7, ['ann'], { name: 'ann' }]) expect(logged(value)).toBe('');
});
