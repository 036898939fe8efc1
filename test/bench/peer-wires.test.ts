/** Each wire against the servers that are measured. */

import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { inspircd } from '../../bench/peers/inspircd.ts';
import { ngircd } from '../../bench/peers/ngircd.ts';
import { parley } from '../../bench/peers/parley.ts';
import type { Peer, RunningPeer } from '../../bench/peers/peer.ts';
import { socketIo } from '../../bench/peers/socket-io.ts';
import type { Connection, Endpoint } from '../../src/load/wires/client-wire.ts';
import { dribble } from '../load/wires/dribble.ts';
import { Recorder } from '../load/wires/recorder.ts';
import { testFolder } from '../support/folder.ts';
import { needs } from '../support/needs.ts';
import { until } from '../support/process.ts';
import { findProgram } from '../support/program.ts';

const folder = testFolder();

describe('Parley', () => conversing(parley));
describe('Socket.IO', () => conversing(socketIo));
describe('ngIRCd', () => {
  needs('ngircd');
  conversing(ngircd);
});
// Larger than all that CI installs, and its protocol is that of the other: CI may do without.
describe.skipIf(findProgram('inspircd') === undefined)('InspIRCd', () => conversing(inspircd));

interface Person {
  readonly connection: Connection;
  readonly recorder: Recorder;
}

function conversing(peer: Peer): void {
  const { wire } = peer;
  let server: RunningPeer | undefined;

  beforeAll(async () => {
    if ((await peer.version()) !== undefined) server = await peer.start(mkdtempSync(join(folder, 'peer-')));
  });
  afterAll(() => server?.stop());

  const endpoint = (): Endpoint => {
    const [host = '', port] = server?.address.split(':') ?? [];
    return { host, port: Number(port), from: '127.0.0.3' };
  };
  const connect = async (at: Endpoint = endpoint()): Promise<Person> => {
    const recorder = new Recorder();
    const connection = await wire.connect(at, recorder);
    onTestFinished(() => connection.destroy());
    return { connection, recorder };
  };
  const enter = async (name: string, at?: Endpoint): Promise<Person> => {
    const person = await connect(at);
    expect(await person.connection.login({ name, password: undefined }, undefined)).toEqual({ type: 'ok' });
    await person.recorder.has('live');
    return person;
  };

  it('tells its version', async () => {
    expect(await peer.version()).toMatch(/^\d+\.\d+/);
  });

  it('brings what is said in a room to everybody there but the sender, in order', async () => {
    const [ann, ben, cem, dan] = await Promise.all(
      ['ann1', 'ben1', 'cem1', 'dan1'].map((name) => enter(name)),
    );
    for (const person of [ann, ben, cem]) expect(await person?.connection.join('#tea-1')).toBe(true);
    const texts = Array.from({ length: 200 }, (_, number) => `text ${number} "\\:' ${'.'.repeat(number)}!`);
    for (const [number, text] of texts.entries())
      ann?.connection.send('#tea-1', Buffer.from(text), number, undefined);
    for (const person of [ben, cem]) {
      await person?.recorder.has('message', texts.length);
      expect(person?.recorder.texts).toEqual(texts);
    }
    if (wire.acknowledges) {
      const answers = await ann?.recorder.has('acknowledged', texts.length);
      expect(answers?.map(([, number]) => number)).toEqual(texts.map((_, number) => number));
    }
    expect(ann?.recorder.texts).toEqual([]);
    expect(dan?.recorder.texts).toEqual([]);
  });

  it('brings what is said to one to that one', async () => {
    const [ann, ben, cem] = await Promise.all(['ann2', 'ben2', 'cem2'].map((name) => enter(name)));
    ann?.connection.send('ben2', Buffer.from('to you'), 0, undefined);
    ben?.connection.send('ann2', Buffer.from('and to you'), 0, undefined);
    await ben?.recorder.has('message');
    await ann?.recorder.has('message');
    expect([ann, ben, cem].map((person) => person?.recorder.texts)).toEqual([['and to you'], ['to you'], []]);
  });

  it('takes the longest text', async () => {
    const [ann, ben] = await Promise.all(['ann3', 'ben3'].map((name) => enter(name)));
    const text = 'x'.repeat(wire.longestText);
    ann?.connection.send('ben3', Buffer.from(text), 0, undefined);
    await ben?.recorder.has('message');
    expect(ben?.recorder.texts).toEqual([text]);
  });

  it('refuses a name that somebody has', async () => {
    await enter('ann4');
    const other = await connect();
    const answer = await other.connection.login({ name: 'ann4', password: undefined }, undefined);
    expect(answer).toMatchObject({ type: 'refused' });
  });

  it('refuses a message to nobody', async () => {
    const ann = await enter('ann5');
    ann.connection.send('nobody5', Buffer.from('are you there?'), 3, undefined);
    const [refusal] = await ann.recorder.has('refused');
    expect(refusal?.[1]).toBe(wire.acknowledges ? 3 : -1);
  });

  it('says goodbye', async () => {
    const ann = await enter('ann6');
    ann.connection.quit();
    expect(await ann.recorder.has('closed')).toEqual([['closed', '']]);
    const again = await connect();
    await until('the name to be free', async () => {
      const answer = await again.connection.login({ name: 'ann6', password: undefined }, undefined);
      return answer.type === 'ok';
    });
  });

  it('may be cut off at once', async () => {
    const ann = await enter('ann7');
    ann.connection.destroy();
    expect(await ann.recorder.has('closed')).toEqual([['closed', '']]);
  });

  it('is understood one byte at a time', async () => {
    const [ann, ben] = await Promise.all([enter('ann8'), enter('ben8', await dribble(endpoint()))]);
    for (const { connection } of [ann, ben]) expect(await connection.join('#tea-8')).toBe(true);
    for (const number of [0, 1, 2])
      ann.connection.send('#tea-8', Buffer.from(`slowly ${number}`), number, undefined);
    await ben.recorder.has('message', 3);
    expect(ben.recorder.texts).toEqual(['slowly 0', 'slowly 1', 'slowly 2']);
  });

  it('keeps what is not read', async () => {
    const [ann, ben] = await Promise.all(['ann9', 'ben9'].map((name) => enter(name)));
    ben?.connection.pause();
    for (let number = 0; number < 50; number += 1)
      ann?.connection.send('ben9', Buffer.from(`later ${number}`), number, undefined);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(ben?.recorder.texts).toEqual([]);
    ben?.connection.resume();
    await ben?.recorder.has('message', 50);
  });

  it('tells its clients that it ends', async () => {
    const ann = await enter('ann0');
    await server?.stop();
    const [closed] = await ann.recorder.has('closed');
    expect(closed?.[1]).not.toBe('');
  });
}
