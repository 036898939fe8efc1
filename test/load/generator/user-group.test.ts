/** Hostile servers: whatever they send, and however much, the load test must end in order and report the truth. */

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserGroup } from '../../../src/load/generator/user-group.ts';
import { readResult } from '../../../src/load/result/result-file.ts';
import type { Connection, Wire, WireHandler } from '../../../src/load/wires/client-wire.ts';
import { encodeFrame } from '../../../src/protocol/codec.ts';
import { testFolder } from '../../support/folder.ts';
import { type Caller, type Request, ScriptedServer } from '../../support/scripted-server.ts';
import { ROOMS, scenarioFile, startLoad, TRIAL_MS } from '../honesty/trial.ts';
import { scenarioOf } from '../scenario/scenarios.ts';

const folder = testFolder();
const PAIRS = { ...ROOMS, users: 10, groups: [{ kind: 'pairs' as const }] };
const SHORT = { ...PAIRS, phases: [{ kind: 'steady' as const, seconds: 1 }] };

let runs = 0;

async function runAgainst(script: (request: Request, caller: Caller) => boolean) {
  const server = await ScriptedServer.start(script);
  runs += 1;
  const json = join(folder, `result-${runs}.json`);
  const program = startLoad([scenarioFile(folder, SHORT), '--server', server.address, '--json', json]);
  const { code } = await program.exit(TRIAL_MS);
  return { code, json, out: program.stdout(), err: program.stderr() };
}

/** Control characters other than newlines. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the test looks for them
const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/;

const EVIL = '\u001b[2J\u001b]0;owned\u0007\u009b31m';

describe('a hostile server', () => {
  it('cannot harm a terminal with error codes', async () => {
    const codes = [EVIL, { toString: 1, valueOf: 1 }, '__proto__', 'constructor'];
    const { code, json, out, err } = await runAgainst(({ verb, id, connection }, caller) => {
      if (verb === 'send') caller.send(['error', id, codes[connection % codes.length], 'no']);
      return verb === 'send';
    });
    expect(out + err).not.toMatch(CONTROLS);
    expect(err).not.toMatch(/^ +at /m);
    const read = await readResult(json);
    if (read.type === 'unreadable') throw new Error(read.text);
    const { errors, refused } = read.result.figures;
    expect(Object.keys(errors).toSorted()).toEqual(
      ['[2J]0;owned31m', '__proto__', 'constructor', 'no code'].map((name) => `refused: ${name}`),
    );
    expect(Object.values(errors).reduce((sum, count) => sum + count, 0)).toBe(refused);
    expect(code === 0 || code === 75).toBe(true);
  });

  it('cannot harm a terminal when nobody can log in', async () => {
    const { code, out, err } = await runAgainst(({ id }, caller) => {
      caller.send(['error', id, EVIL, 'no']);
      return true;
    });
    expect([code, out]).toEqual([69, '']);
    expect(err).not.toMatch(CONTROLS);
    expect(err).toContain('login: [2J]0;owned31m');
  });

  it('breaks nothing where it is of another form than it should be', async () => {
    const far = 2 ** 53 - 1;
    const odd = { toString: 1 };
    const { err, out } = await runAgainst(({ verb, id, values: [to] }, caller) => {
      if (verb !== 'send') return false;
      caller.send(['ok', id, [far, far]], ['message', far, far, 'constructor', to, 'hello']);
      caller.send(['message', 1, 1, odd, odd, odd], ['message'], ['bye', odd], [odd, odd], ['ok', odd]);
      caller.send(
        ['message', far, -far, '__proto__', 'x', 'y'],
        ['live', odd],
        ['joined', far, far, odd, odd],
      );
      return true;
    });
    expect(err).not.toMatch(/^ +at /m);
    expect(out).toMatch(/\d+ of \d+ deliveries were lost/);
  });
});

describe('without end', () => {
  const FLOODS = [
    encodeFrame(['message', 5, 1, 'x', '#a', 'hello']),
    encodeFrame(['message', 5, 1, 'x', '#a', 'y'.repeat(60_000)]),
    encodeFrame(['nothing', 1, 2, 3]),
    encodeFrame(['ok', 2 ** 21 + 77_777, [5, 5]]),
    encodeFrame(['live', 5]),
  ];

  it(`${FLOODS.length} kinds of floods: their connections are ended, and so is the run`, async () => {
    const flooded = new Set<number>();
    const { code, json, out } = await runAgainst(({ verb, connection }, caller) => {
      if (verb !== 'send' || flooded.has(connection)) return false;
      flooded.add(connection);
      const frame = FLOODS[connection % FLOODS.length] ?? Buffer.alloc(0);
      const piece = Buffer.concat(Array.from({ length: Math.ceil(65_536 / frame.length) }, () => frame));
      // Far more than the limit.
      for (let bytes = 0; bytes < 32 * 1_024 * 1_024; bytes += piece.length) caller.sendBytes(piece);
      return false;
    });
    const read = await readResult(json);
    if (read.type === 'unreadable') throw new Error(`${read.text}\n${out}`);
    expect(flooded.size).toBeGreaterThanOrEqual(FLOODS.length);
    expect(read.result.figures.errors).toMatchObject({
      'closed: the server sent too much unexpected data': flooded.size,
    });
    expect(code).not.toBe(0);
  });

  it('cannot stall a ramp by never answering', async () => {
    const silent: Connection = {
      login: () => new Promise(() => {}),
      join: () => new Promise(() => {}),
      send: () => {},
      pause: () => {},
      resume: () => {},
      resumePoint: () => ({ token: undefined, lastId: 0 }),
      quit: () => {},
      destroy: () => {},
    };
    const wire: Wire = {
      name: 'silent',
      acknowledges: true,
      resumes: true,
      hasOrder: true,
      longestText: 100,
      connect: async (_endpoint: unknown, _handler: WireHandler) => silent,
    };
    const group = new UserGroup(
      {
        scenario: scenarioOf({ users: 5 }),
        seed: 1,
        tag: 'abcdef',
        thread: 0,
        threads: 1,
        endpoint: { host: '127.0.0.1', port: 1 },
        wire: 'silent',
        password: undefined,
        resentBelow: new Int32Array(new SharedArrayBuffer(0)),
        sentCounts: new Int32Array(new SharedArrayBuffer(0)),
      },
      wire,
    );
    expect(await group.rampUp(0.01, 100)).toBe(false);
  });
});
