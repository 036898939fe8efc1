/** Checks docs/protocol.md: tokens, replay, `seen`, and receipts. */

import { describe, expect, it } from 'vitest';
import { until } from '../support/process.ts';
import {
  array,
  expectRefusals,
  field,
  number,
  PASSWORD,
  plain,
  refusal,
  send,
  text,
  useCompany,
} from './company.ts';
import type { Connection, Fields, Request, Value } from './independent-client.ts';
import { COMING_BACK, holdTables } from './page.ts';

const ENTRIES: readonly Value[] = ['message', 'joined', 'left'];
const BEYOND = Number.MAX_SAFE_INTEGER;

const { connections, serve, open, login, account } = useCompany();

interface Back {
  readonly connection: Connection;
  readonly token: string;
  /** The events between the answer and `live`. */
  readonly replay: readonly Fields[];
  readonly live: number;
}

/** A new connection that has sent a login of some kind as its first request, and is live. */
async function back(request: Request, to?: Parameters<typeof open>[0]): Promise<Back> {
  const connection = await open(to);
  const result = await connection.ask(...request);
  const [live] = await connection.event('live');
  const frames = connection.frames.map(({ value }) => value);
  const replay = frames.slice(
    1,
    frames.findIndex(([name]) => name === 'live'),
  );
  expect(frames[0]?.[0]).toBe('ok');
  expect(replay.filter(([name = null]) => !ENTRIES.includes(name))).toEqual([]);
  const ids = replay.map(([, id]) => number(id));
  expectToRise(ids);
  expect(number(live)).toBeGreaterThanOrEqual(ids.at(-1) ?? 0);
  // So that `events` contains only later ones.
  connection.events.splice(0, replay.length);
  return { connection, replay, live: number(live), token: text(field(result, 'token')) };
}

function expectToRise(ids: readonly number[]): void {
  expect(ids).toEqual([...new Set(ids)].sort((one, other) => one - other));
}

const ids = (entries: readonly Fields[]): (Value | undefined)[] => entries.map(([, id]) => id);

/** The account `user`, which is not connected. */
async function absent(user: string): Promise<void> {
  await (await account(user)).ask('quit');
}

async function join(connection: Connection, room: string): Promise<number> {
  return number(array(await connection.ask('join', room))[0]);
}

async function leave(connection: Connection, room: string): Promise<number> {
  return number(array(await connection.ask('leave', room))[0]);
}

describe('a replay', () => {
  it('sends the entries after the last id in order, and then new ones', async () => {
    const [ann, ben, leaving] = [await account('ann'), await account('ben'), await account('ann2')];
    await join(ben, '#tea');
    const last = await join(ann, '#tea');
    const own = await send(ben, 'ann', 'the last that Ben has');
    await ben.ask('quit');
    const told = await send(ann, 'BEN', 'are you there?');
    const asked = await send(ann, '#tea', 'where is Ben?');
    const came = await join(leaving, '#tea');
    const went = await leave(leaving, '#tea');
    await send(ann, 'ann2', 'not for Ben');
    const whole: Fields[] = [
      ['message', told.id, told.at, 'ann', 'ben', 'are you there?'],
      ['message', asked.id, asked.at, 'ann', '#tea', 'where is Ben?'],
      ['joined', came, expect.any(Number), '#tea', 'ann2'],
      ['left', went, expect.any(Number), '#tea', 'ann2'],
    ];
    const { connection, replay, live } = await back(['login', 'ben', PASSWORD, own.id]);
    expect(replay).toEqual(whole);
    expect(live).toBeGreaterThanOrEqual(went);
    const now = await send(ann, 'ben', 'there you are');
    expect(await connection.event('message')).toEqual([now.id, now.at, 'ann', 'ben', 'there you are']);
    expect(now.id).toBeGreaterThan(live);

    // The last id may be any number; the replay contains larger ids only.
    const later = (id: number): number =>
      [last, own.id, told.id, asked.id, came, went, now.id].filter((each) => each > id).length;
    for (const id of [last, own.id, told.id, told.id - 1, asked.id, came, went, now.id])
      expect((await back(['login', 'ben', PASSWORD, id])).replay, `after ${id}`).toHaveLength(later(id));
  });

  it('without a last id begins at the mark of seen, or without a mark at the beginning', async () => {
    const gil = await account('gil');
    await absent('hal');
    const texts = await Promise.all(['one', 'two', 'three'].map((each) => send(gil, 'hal', each)));
    const [one = 0, two = 0, three = 0] = texts.map(({ id }) => id).sort((left, right) => left - right);
    const first = await back(['login', 'hal', PASSWORD]);
    expect(ids(first.replay)).toEqual([one, two, three]);
    expect(ids((await back(['login', 'hal', PASSWORD, null])).replay)).toEqual([one, two, three]);
    await first.connection.ask('seen', two);
    expect(ids((await back(['login', 'hal', PASSWORD])).replay)).toEqual([three]);
    expect(ids((await back(['resume', 'hal', first.token])).replay)).toEqual([three]);
    // The client's last id overrides the mark.
    expect(ids((await back(['login', 'hal', PASSWORD, 0])).replay)).toEqual([one, two, three]);
    expect(ids((await back(['login', 'hal', PASSWORD, three])).replay)).toEqual([]);
  });

  it('is empty if the last id is larger than all ids', async () => {
    const ida = await account('ida');
    await send(ida, 'ida', 'a note');
    const { connection, replay } = await back(['login', 'ida', PASSWORD, BEYOND]);
    expect(replay).toEqual([]);
    const note = await send(ida, 'ida', 'another');
    expect((await connection.event('message'))[0]).toBe(note.id);
  });

  it("contains the account's own messages with their keys, and a repeated send gets the first id", async () => {
    const jan = await account('jan');
    await absent('kim');
    const lost = await send(jan, 'kim', 'did it arrive?', 'a key of mine');
    const plainly = await send(jan, 'jan', 'a note');
    await jan.ask('quit');
    const { connection, replay } = await back(['login', 'jan', PASSWORD]);
    expect(replay).toEqual([
      ['message', lost.id, lost.at, 'jan', 'kim', 'did it arrive?', 'a key of mine'],
      ['message', plainly.id, plainly.at, 'jan', 'jan', 'a note'],
    ]);
    expect(await send(connection, 'kim', 'did it arrive?', 'a key of mine')).toEqual(lost);
    // Nobody else sees the key, and nobody receives the message twice.
    expect((await back(['login', 'kim', PASSWORD])).replay).toEqual([
      ['message', lost.id, lost.at, 'jan', 'kim', 'did it arrive?'],
    ]);
  });

  it("contains the entries of a room from the account's join to its leave, both included", async () => {
    const [lea, mia] = [await account('lea'), await account('mia')];
    await join(lea, '#stays');
    const say = async (what: string): Promise<Fields> => {
      const { id, at } = await send(lea, '#stays', what);
      return ['message', id, at, 'lea', '#stays', what];
    };
    const entry = (name: string, id: number, user: string): Fields => [
      name,
      id,
      expect.any(Number),
      '#stays',
      user,
    ];
    const whole: Fields[] = [];
    await say('before the first stay');
    for (const stay of ['first', 'second']) {
      whole.push(entry('joined', await join(mia, '#stays'), 'mia'));
      whole.push(await say(`in the ${stay} stay`));
      const guest = await open();
      await guest.ask('guest', `of-the-${stay}`);
      whole.push(entry('joined', await join(guest, '#stays'), `of-the-${stay}`));
      whole.push(entry('left', await leave(guest, '#stays'), `of-the-${stay}`));
      whole.push(entry('left', await leave(mia, '#stays'), 'mia'));
      await say(`after the ${stay} stay`);
      const between = await open();
      await between.ask('guest', `after-the-${stay}`);
      await join(between, '#stays');
      await leave(between, '#stays');
    }
    expect((await back(['login', 'mia', PASSWORD])).replay).toEqual(whole);
    // The third membership continues across connections.
    whole.push(entry('joined', await join(mia, '#stays'), 'mia'));
    await mia.ask('quit');
    whole.push(await say('in the third stay'));
    expect((await back(['login', 'mia', PASSWORD])).replay).toEqual(whole);
  });

  it('ends before the server handles commands sent together with the login, and ids increase', async () => {
    const ned = await account('ned');
    const first = await send(ned, 'ned', 'first', 'key of the first');
    await Promise.all(
      ned.pipeline(Array.from({ length: 500 }, (_, index) => ['send', 'ned', `note ${index}`])),
    );
    await ned.ask('quit');
    const again = await open();
    const answers = await Promise.all(
      again.pipeline([
        ['login', 'ned', PASSWORD, 0],
        ['join', '#neds'],
        ['send', 'ned', 'new'],
        ['send', 'ned', 'first', 'key of the first'],
        ['leave', '#neds'],
        ['ping'],
      ]),
    );
    const frames = again.frames.map(({ value }) => value);
    const live = frames.findIndex(([name]) => name === 'live');
    expect(frames.slice(0, live).map(([name]) => name)).toEqual([
      'ok',
      ...Array.from({ length: 501 }, () => 'message'),
    ]);
    expect(live).toBe(502);
    const [joined, sent, repeated, left] = answers.slice(1, 5).map((answer) => number(array(answer)[0]));
    expect(repeated).toBe(first.id);
    expectToRise([
      ...frames.slice(1, live).map(([, id]) => number(id)),
      number(joined),
      number(sent),
      number(left),
    ]);
    // The id of `live` is that of the newest entry before everything that follows.
    expect(number(frames[live]?.[1])).toBeGreaterThanOrEqual(number(frames[live - 1]?.[1]));
    expect(number(frames[live]?.[1])).toBeLessThan(number(joined));
  });

  it('omits nothing and repeats nothing, however much is sent in the meantime', async () => {
    const ola = await account('ola');
    await absent('pat');
    const { token } = await back(['login', 'pat', PASSWORD]);
    const talk = Array.from({ length: 20 }, (_, part) =>
      Array.from({ length: 50 }, (_, index): Request => ['send', 'pat', `${part * 50 + index}`]),
    );
    const sessions: Promise<Back>[] = [];
    for (const part of talk) {
      const answers = ola.pipeline(part);
      sessions.push(back(['resume', 'pat', token, 0]));
      await Promise.all(answers);
    }
    const end = await send(ola, 'pat', 'the end');
    const all = Array.from({ length: 1000 }, (_, index) => `${index}`);
    for (const { connection } of await Promise.all(sessions)) {
      const has = (): boolean =>
        connection.frames.some(({ value }) => value[0] === 'message' && value[1] === end.id);
      await until('the end', has);
      const messages = connection.frames.map(({ value }) => value).filter(([name]) => name === 'message');
      expect(messages.map(([, , , , , said]) => said)).toEqual([...all, 'the end']);
      expectToRise(messages.map(([, id]) => number(id)));
    }
  });

  it('is empty for guests, whose accounts begin with their session', async () => {
    const quin = await account('quin');
    const guest = await open();
    await guest.ask('guest', 'Rob');
    await guest.event('live');
    await send(quin, 'rob', 'to the first of that name');
    await guest.ask('quit');
    await guest.ended;
    const second = await open();
    await until('the name to be free', () =>
      second.ask('guest', 'Rob').then(
        () => true,
        () => false,
      ),
    );
    await second.event('live');
    expect(second.frames.map(({ value }) => value[0]).filter((name) => name !== 'error')).toEqual([
      'ok',
      'live',
    ]);
    expect(await second.ask('history', 'quin')).toEqual([[], null]);
  });
});

describe('resume', () => {
  it('logs in with a token, and returns the same token', async () => {
    const sue = await open();
    await sue.ask('register', 'Sue', PASSWORD);
    const token = text(field(await sue.ask('login', 'sue', PASSWORD), 'token'));
    expect(Buffer.byteLength(token)).toBeLessThanOrEqual(64);
    await join(sue, '#sues');
    await sue.ask('quit');
    await sue.ended;
    for (const name of ['Sue', 'sue', 'SUE']) {
      const again = await open();
      expect(plain(await again.ask('resume', name, token, BEYOND))).toEqual({
        user: 'Sue',
        rooms: ['#sues'],
        token,
      });
      await again.event('live');
      await send(again, '#sues', `I am ${name}`);
      expect(await refusal(again.ask('resume', name, token))).toBe('already_logged_in');
    }
  });

  it('works in one write with later requests, and on any number of connections at once', async () => {
    await absent('tom');
    const { token } = await back(['login', 'tom', PASSWORD]);
    const sessions = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const session = await open();
        const [resumed, sent] = await Promise.all(
          session.pipeline([
            ['resume', 'tom', token],
            ['send', 'tom', 'here'],
          ]),
        );
        expect(field(resumed ?? null, 'token')).toBe(token);
        return number(array(sent)[0]);
      }),
    );
    expect(new Set(sessions).size).toBe(5);
  });

  it('refuses anything that is not a token of the account', async () => {
    await account('uma');
    const { token } = await back(['login', 'uma', PASSWORD]);
    await account('vic');
    const anonymous = await open();
    await expectRefusals(anonymous, [
      ['bad_token', 'resume', 'vic', token],
      ['bad_token', 'resume', 'nobody', token],
      ['bad_token', 'resume', 'uma', 'x'.repeat(65)],
    ]);
    await anonymous.ask('resume', 'uma', token);
  });

  it('refuses a token after the logout of its session, but not after quit', async () => {
    await account('wes');
    const [first, second] = [await back(['login', 'wes', PASSWORD]), await back(['login', 'wes', PASSWORD])];
    expect(first.token).not.toBe(second.token);
    await first.connection.ask('quit');
    const again = await back(['resume', 'wes', first.token]);
    await again.connection.ask('logout');
    // On the connection that is still open, and on any other.
    for (const connection of [again.connection, await open()])
      expect(await refusal(connection.ask('resume', 'wes', first.token))).toBe('bad_token');
    second.connection.socket.destroy();
    await back(['resume', 'wes', second.token]);
    await again.connection.ask('login', 'wes', PASSWORD);
  });

  it('refuses all tokens after a password change', async () => {
    await account('xia');
    const [here, there] = [await back(['login', 'xia', PASSWORD]), await back(['login', 'xia', PASSWORD])];
    expect(await refusal(here.connection.ask('password', 'wrong horse', 'battery staple'))).toBe(
      'wrong_credentials',
    );
    await back(['resume', 'xia', there.token]);
    await here.connection.ask('password', PASSWORD, 'battery staple');
    const anonymous = await open();
    for (const { token } of [here, there])
      expect(await refusal(anonymous.ask('resume', 'xia', token))).toBe('bad_token');
    const { token } = await back(['login', 'xia', 'battery staple']);
    await back(['resume', 'xia', token]);
  });

  it('works after a restart of the server, which keeps marks and messages', async () => {
    const before = await serve();
    await account('zoe', before);
    const { connection, token } = await back(['login', 'zoe', PASSWORD], before);
    const [shown, missed] = [await send(connection, 'zoe', 'shown'), await send(connection, 'zoe', 'missed')];
    await connection.ask('seen', shown.id);
    expect(await before.stop()).toEqual({ code: 0, signal: null });
    const after = await serve([], before.data);
    const { replay } = await back(['resume', 'zoe', token], after);
    expect(ids(replay)).toEqual([missed.id]);
  });
});

describe('seen', () => {
  it('moves the mark forward, never back', async () => {
    const abe = await account('abe');
    const notes = [
      await send(abe, 'abe', 'one'),
      await send(abe, 'abe', 'two'),
      await send(abe, 'abe', 'three'),
    ];
    const [one = 0, two = 0, three = 0] = notes.map(({ id }) => id);
    for (const [seen, left] of [
      [0, [one, two, three]],
      [one, [two, three]],
      [two, [three]],
      [one, [three]],
      [0, [three]],
      [three, []],
      [two, []],
    ] as const) {
      expect(await abe.ask('seen', seen)).toBeNull();
      expect(ids((await back(['login', 'abe', PASSWORD])).replay), `after seen ${seen}`).toEqual(left);
    }
  });

  it('with an id beyond the newest entry means the newest entry', async () => {
    const bea = await account('bea');
    await send(bea, 'bea', 'before');
    await bea.ask('seen', BEYOND);
    const after = await send(bea, 'bea', 'after');
    expect(ids((await back(['login', 'bea', PASSWORD])).replay)).toEqual([after.id]);
  });
});

describe('delivered', () => {
  const isFor = (id: number) => (each?: Value) => each === id;
  const told = ({ events }: Connection): (Value | undefined)[] =>
    events.filter(({ name }) => name === 'delivered').map(({ fields }) => fields[0]);

  it("goes to all of the author's sessions when the recipient has seen the message", async () => {
    const [desk, eva] = [await account('dee'), await account('eva')];
    const phone = await login('dee');
    const [one, two, three] = [
      await send(desk, 'eva', 'one'),
      await send(phone, 'eva', 'two'),
      await send(desk, 'eva', 'three'),
    ];
    await eva.ask('seen', two.id);
    for (const session of [desk, phone]) {
      await session.event('delivered', isFor(one.id));
      expect(await session.event('delivered', isFor(two.id))).toEqual([two.id]);
    }
    for (const session of [desk, phone]) expect(told(session)).not.toContain(three.id);
    await eva.ask('seen', three.id);
    for (const session of [desk, phone]) await session.event('delivered', isFor(three.id));
    expect(told(eva)).toEqual([]);
  });

  it('goes to guests, and is sent for messages that guests have seen', async () => {
    const [kit, guest] = [await account('kit'), await open()];
    await guest.ask('guest', 'Lou');
    const sent = await send(kit, 'lou', 'welcome');
    await guest.ask('seen', sent.id);
    await kit.event('delivered', isFor(sent.id));
    const thanks = await send(guest, 'kit', 'thanks');
    await kit.ask('seen', thanks.id);
    await guest.event('delivered', isFor(thanks.id));
  });
});

holdTables(connections, (word) => COMING_BACK.includes(word));
