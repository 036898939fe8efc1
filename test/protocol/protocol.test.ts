/**
 * Checks docs/protocol.md: a client written from that page alone talks to a real server, sends the bytes that the page
 * shows, and uses everything that the page's tables list.
 */

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
  useCompany,
} from './company.ts';
import {
  type Connection,
  decode,
  encode,
  FrameReader,
  frame,
  Refused,
  type Request,
  type Value,
} from './independent-client.ts';
import { COMING_BACK, holdTables, LOOKING_BACK, PAGE, table } from './page.ts';

const TEXTS = [
  'hi',
  'Grüße, cœur, žluťoučký kůň',
  'Ελληνικά · Русский · Հայերեն',
  'עברית',
  'العربية مع تشكيل: مُحَمَّد',
  'हिन्दी · தமிழ் · ไทย',
  '漢字 · ひらがな · 한국어',
  'emoji: 👩‍👩‍👧‍👦 🏳️‍🌈 🇨🇭 👍🏽 𝄞',
  'combining: e\u0301 a\u030a\u0323',
  '\ufeffa mark at the start',
  'controls: \u0000 \t \r\n \u001b[31m \u007f \u0085',
  '#room, @person and "quotes"',
];
const LARGEST = ['x'.repeat(8192), 'é'.repeat(4096), `${'漢'.repeat(2730)}ab`, '𝄞'.repeat(2048)];

const { connections, serve, open, login, account } = useCompany();

/** All pages of a list. */
async function pages(from: Connection, ...request: Request): Promise<Value[][]> {
  const all: Value[][] = [];
  let [page, next] = array(await from.ask(...request));
  all.push(array(page));
  while (next !== null && next !== undefined) {
    const withRoom: Request = request[0] === 'who' ? ['who', request[1] ?? null, next] : ['rooms', next];
    [page, next] = array(await from.ask(...withRoom));
    all.push(array(page));
  }
  return all;
}

describe('the example, byte by byte', () => {
  interface Example {
    readonly from: 'C' | 'S';
    readonly shown: string;
    readonly bytes: Buffer;
  }

  const examples = ((): Example[] => {
    const section = PAGE.slice(
      PAGE.indexOf('\n## A session, byte by byte\n'),
      PAGE.indexOf('\n## Names, texts, limits\n'),
    );
    const found: { from: 'C' | 'S'; shown: string; hex: string }[] = [];
    for (const line of section
      .split('```')
      .filter((_, index) => index % 2 === 1)
      .join('')
      .split('\n')) {
      const [, from, shown = ''] = /^([CS]) {2}(\[.*\])$/.exec(line) ?? [];
      if (from === 'C' || from === 'S') found.push({ from, shown, hex: '' });
      const [, hex = ''] = /^ +((?:[0-9a-f]{2} )*[0-9a-f]{2})(?: {2,}.*)?$/.exec(line) ?? [];
      const last = found.at(-1);
      if (last) last.hex += hex.replaceAll(' ', '');
    }
    return found.map(({ from, shown, hex }) => ({ from, shown, bytes: Buffer.from(hex, 'hex') }));
  })();
  /** Removes what differs from run to run: every float 64 (ids and times), and the content of tokens. */
  const timeless = (bytes: Buffer): string =>
    bytes
      .toString('hex')
      .replaceAll(/cb[0-9a-f]{16}/g, `cb${'0'.repeat(16)}`)
      .replaceAll(new RegExp(`(?<=${Buffer.from('token').toString('hex')}d92b)[0-9a-f]{86}`, 'g'), '');

  it('shows the same frames as text and as bytes', () => {
    expect(examples.map(({ from }) => from).join('')).toBe('CSCSSCSS');
    for (const { shown, bytes } of examples) {
      const [body, ...more] = new FrameReader().push(bytes);
      expect(more).toEqual([]);
      expect(body && plain(decode(body)), shown).toEqual(JSON.parse(shown.replace(/(\w+): /g, '"$1": ')));
    }
    const [, shown = '', hex = ''] =
      /such as (\d+) is in the frames as the\s+float 64 `([^`]+)`/.exec(PAGE) ?? [];
    expect(decode(Buffer.from(hex.replaceAll(' ', ''), 'hex'))).toBe(Number(shown));
  });

  it('happens as shown', async () => {
    const fresh = await serve();
    // There must be an entry before Alice connects: on a server without entries `live` is 0, which is one byte.
    const bob = await account('bob', fresh);
    await send(bob, 'bob', 'a note');
    const alice = await open(fresh);
    let answers = 0;
    for (const { from, shown, bytes } of examples) {
      if (from === 'C') {
        alice.socket.write(bytes);
        continue;
      }
      const forBob = shown.startsWith('["message"');
      const got = await until(`the frame ${shown}`, () =>
        forBob ? bob.frames.find(({ value }) => value[0] === 'message') : alice.frames[answers],
      );
      if (!forBob) answers += 1;
      expect(timeless(frame(got.body)), shown).toBe(timeless(bytes));
      const numbers = got.value.flat().filter((each) => typeof each === 'number');
      for (const id of numbers) expect(Number.isSafeInteger(id)).toBe(true);
    }
    expect(alice.frames).toHaveLength(answers);
  });
});

describe('limits', () => {
  it('are those that hello reports', async () => {
    const hello = await (await open()).ask(
      'hello',
      new Map<string, Value>([
        ['version', 1],
        ['client', 'test'],
      ]),
    );
    const numbers = (text = ''): number[] =>
      [...text.matchAll(/[0-9][0-9,]*/g)].map(([digits]) => Number(digits.replaceAll(',', '')));
    const frames = new Map(table('Frames').map(([who = '', size]) => [who, numbers(size)[0]]));
    const rule = (what: string): number[] =>
      numbers(table('Names, texts, limits').find(([first = '']) => first.startsWith(what))?.[1]);
    expect(frames.get('the server')).toBe(65_536);
    expect(plain(hello)).toEqual({
      version: 1,
      server: expect.stringMatching(/./),
      limits: {
        frameBeforeLogin: frames.get('a client, before login'),
        frame: frames.get('a client, after login'),
        passwordMin: rule('new password')[0],
        passwordMax: rule('new password')[1],
        text: rule('text of a message')[1],
        key: rule('key of a message')[1],
        roomsPerAccount: rule('rooms of one account')[0],
        token: rule('token')[0],
        query: rule('query of a search')[1],
        page: rule('messages in a page')[1],
      },
    });
  });

  it('are exact to the byte', async () => {
    const long = `L${'o'.repeat(31)}`;
    const room = `#${'r'.repeat(63)}`;
    const connection = await open();
    expect(await refusal(connection.ask('register', `${long}x`, PASSWORD))).toBe('bad_name');
    expect(await refusal(connection.ask('register', long, `${'é'.repeat(128)}x`))).toBe('bad_password');
    expect(await refusal(connection.ask('register', long, '1234567'))).toBe('bad_password');
    await connection.ask('register', long, 'é'.repeat(128));
    await connection.ask('login', long.toUpperCase(), 'é'.repeat(128));
    expect(await refusal(connection.ask('join', `${room}r`))).toBe('bad_room');
    await connection.ask('join', room);
    expect(await refusal(connection.ask('send', room, 'x'.repeat(8193)))).toBe('bad_text');
    expect(await refusal(connection.ask('send', room, ''))).toBe('bad_text');
    expect(await refusal(connection.ask('send', room, 'x', `${'é'.repeat(16)}x`))).toBe('bad_key');
    await send(connection, room, 'x'.repeat(8192), 'é'.repeat(16));
  });

  it('of rooms: 500 per account', async () => {
    const many = await account('many');
    const joins = Array.from({ length: 501 }, (_, index): Request => ['join', `#many-${index}`]);
    const outcomes = await Promise.allSettled(many.pipeline(joins));
    expect(outcomes.slice(0, 500).filter(({ status }) => status === 'rejected')).toEqual([]);
    expect(await refusal(many.ask('join', '#many-501'))).toBe('too_many_rooms');
    const again = await open();
    const result = plain(await again.ask('login', 'many', PASSWORD));
    expect(result).toEqual({
      user: 'many',
      rooms: expect.arrayContaining(['#many-0', '#many-499']),
      token: expect.any(String),
    });
  });
});

describe('chat', () => {
  it('works in both directions between two people, with any text', async () => {
    const ann = await account('ann');
    const ben = await account('ben');
    for (const [from, to, fromName, toName] of [
      [ann, ben, 'ann', 'ben'],
      [ben, ann, 'ben', 'ann'],
    ] as const) {
      for (const text of [...TEXTS, ...LARGEST]) {
        const { id, at } = await send(from, toName.toUpperCase(), text);
        expect(await to.event('message')).toEqual([id, at, fromName, toName, text]);
        expect(Math.abs(at - Date.now())).toBeLessThan(60_000);
      }
    }
    expect([...ann.events, ...ben.events]).toEqual([]);
  });

  it('works in both directions in a room, in one order, with increasing ids', async () => {
    const cat = await account('cat');
    const dan = await account('dan');
    const [made, page] = array(await cat.ask('join', '#Den'));
    expect(page).toEqual([[['cat', true]], null]);
    const [joined, members] = array(await dan.ask('join', '#den'));
    expect(members).toEqual([
      [
        ['cat', true],
        ['dan', true],
      ],
      null,
    ]);
    expect(number(joined)).toBeGreaterThan(number(made));
    expect(await cat.event('joined')).toEqual([joined, expect.any(Number), '#Den', 'dan']);
    expect(await dan.ask('join', '#DEN')).toEqual([null, members]);

    for (const text of [...TEXTS, ...LARGEST]) {
      const { id, at } = await send(cat, '#den', text);
      expect(await dan.event('message')).toEqual([id, at, 'cat', '#Den', text]);
    }
    const talk = (name: string): Request[] =>
      Array.from({ length: 100 }, (_, index) => ['send', '#den', `${name} ${index}`]);
    await Promise.all([...cat.pipeline(talk('cat')), ...dan.pipeline(talk('dan'))]);
    const last = await send(cat, '#den', 'the end');
    await dan.event('message', (id) => id === last.id);

    const [left] = array(await dan.ask('leave', '#den'));
    expect(await cat.event('left')).toEqual([left, expect.any(Number), '#Den', 'dan']);
    expect(await refusal(dan.ask('send', '#den', 'x'))).toBe('not_a_member');
    expect(await refusal(dan.ask('leave', '#den'))).toBe('not_a_member');
    for (const { frames } of [cat, dan]) {
      const ids = frames
        .map(({ value }) => value)
        .filter(([name]) => name === 'message' || name === 'joined' || name === 'left')
        .map(([, id]) => number(id));
      expect(ids.length).toBeGreaterThan(100);
      expect(ids).toEqual([...ids].sort((one, other) => one - other));
      expect(new Set(ids).size).toBe(ids.length);
    }
  });

  it('reaches every session of the author except the one that sent the message', async () => {
    const desk = await account('eva');
    const phone = await login('eva');
    const fay = await account('fay');
    const own = await send(desk, 'fay', 'hello', 'a key of mine');
    expect(await phone.event('message')).toEqual([own.id, own.at, 'eva', 'fay', 'hello', 'a key of mine']);
    expect(await fay.event('message')).toEqual([own.id, own.at, 'eva', 'fay', 'hello']);
    const [joined] = array(await desk.ask('join', '#evas'));
    expect(await phone.event('joined')).toEqual([joined, expect.any(Number), '#evas', 'eva']);
    const [left] = array(await phone.ask('leave', '#evas'));
    expect(await desk.event('left')).toEqual([left, expect.any(Number), '#evas', 'eva']);
    const note = await send(phone, 'eva', 'to myself');
    expect(await desk.event('message')).toEqual([note.id, note.at, 'eva', 'eva', 'to myself']);
    // Ids increase on a connection, so nothing older can arrive after the reply.
    const reply = await send(fay, 'eva', 'hello');
    for (const session of [desk, phone]) {
      expect(await session.event('message')).toEqual([reply.id, reply.at, 'fay', 'eva', 'hello']);
      expect(session.events).toEqual([]);
    }
  });
});

describe('requests', () => {
  it('can register, log in, join and send in one write', async () => {
    const ida = await open();
    const [registered, loggedIn, joined, sent, pinged] = await Promise.all(
      ida.pipeline([
        ['register', 'ida', PASSWORD],
        ['login', 'ida', PASSWORD],
        ['join', '#at-once'],
        ['send', '#at-once', 'x'.repeat(8192)],
        ['ping'],
      ]),
    );
    expect([registered, pinged]).toEqual([null, null]);
    expect(loggedIn && plain(loggedIn)).toEqual({ user: 'ida', rooms: [], token: expect.any(String) });
    expect(joined).toEqual([expect.any(Number), [[['ida', true]], null]]);
    expect(sent).toEqual([expect.any(Number), expect.any(Number)]);
    expect(number(array(sent)[0])).toBeGreaterThan(number(array(joined)[0]));
  });

  it('take effect in order when one of them fails', async () => {
    const jan = await open();
    const [, failed, tooEarly, , joined, , tooLate] = jan.pipeline([
      ['register', 'jan', PASSWORD],
      ['login', 'jan', 'wrong horse'],
      ['join', '#jan'],
      ['login', 'jan', PASSWORD],
      ['join', '#jan'],
      ['logout'],
      ['send', '#jan', 'x'],
    ]);
    expect(await refusal(failed ?? Promise.resolve(null))).toBe('wrong_credentials');
    expect(await refusal(tooEarly ?? Promise.resolve(null))).toBe('not_logged_in');
    expect(await joined).toEqual([expect.any(Number), expect.anything()]);
    expect(await refusal(tooLate ?? Promise.resolve(null))).toBe('not_logged_in');
  });

  it('may arrive in any pieces', async () => {
    const kim = await open();
    const bytes = Buffer.concat(
      [
        ['register', 1, 'kim', PASSWORD],
        ['login', 2, 'kim', PASSWORD],
        ['send', 3, 'kim', 'é漢𝄞'],
      ].map((body) => frame(encode(body))),
    );
    for (const byte of bytes) kim.socket.write(Buffer.of(byte));
    await kim.event('ok', (id) => id === 3);
    // Send `quit` last: the server does not answer requests that are still open when it arrives.
    kim.socket.write(frame(encode(['quit', 4])));
    await kim.ended;
    expect(kim.frames.map(({ value }) => value[0])).toEqual(['ok', 'ok', 'live', 'ok', 'ok', 'bye']);
  });

  it('may contain whole numbers in any form, and the server sends ids as float 64', async () => {
    const lea = await account('lea');
    const [sent, pinged] = await Promise.all(lea.pipeline([['send', 'lea', 'x'], ['ping']], 'float'));
    expect(pinged).toBeNull();
    const frameOfSend = lea.frames.find(({ value }) => Array.isArray(value[2]));
    expect(frameOfSend?.value[2]).toEqual(sent);
    expect(frameOfSend?.body.toString('hex')).toMatch(/92cb[0-9a-f]{16}cb[0-9a-f]{16}$/);
    for (const one of [
      '01',
      'cf0000000000000001',
      'd30000000000000001',
      'ca3f800000',
      'cb3ff0000000000000',
    ]) {
      const form = await open();
      form.socket.write(frame(Buffer.from(`92a470696e67${one}`, 'hex')));
      expect(await form.event('ok'), one).toEqual([1]);
      form.socket.destroy();
    }
    const wide = await open();
    wide.socket.write(frame(encode(['ping', Number.MAX_SAFE_INTEGER])));
    expect(await wide.event('ok')).toEqual([Number.MAX_SAFE_INTEGER]);
  });
});

describe('keys', () => {
  it('make it safe to repeat a send', async () => {
    const mia = await account('mia');
    const ned = await account('ned');
    const key = 'k'.repeat(32);
    const first = await send(mia, 'ned', 'once', key);
    expect(await send(mia, 'ned', 'once', key)).toEqual(first);
    expect(await send(await login('mia'), 'NED', 'once', key)).toEqual(first);
    expect(await refusal(mia.ask('send', 'ned', 'twice', key))).toBe('key_reused');
    expect(await refusal(mia.ask('send', 'mia', 'once', key))).toBe('key_reused');
    const other = await send(ned, 'mia', 'mine', key);
    expect(other.id).toBeGreaterThan(first.id);
    const last = await send(mia, 'ned', 'the end');
    const got = [await ned.event('message'), await ned.event('message')].map(([id]) => id);
    expect(got).toEqual([first.id, last.id]);
  });

  it('are looked up before membership', async () => {
    const ola = await account('ola');
    await ola.ask('join', '#olas');
    const first = await send(ola, '#olas', 'still here', 'key');
    await ola.ask('leave', '#olas');
    expect(await refusal(ola.ask('send', '#olas', 'gone'))).toBe('no_such_room');
    expect(await send(ola, '#olas', 'still here', 'key')).toEqual(first);
  });
});

describe('lists', () => {
  const lower = (names: readonly Value[]): string[] => names.map((name) => String(name).toLowerCase());

  it('of rooms come in pages', async () => {
    const visitor = await open();
    await visitor.ask('guest', 'visitor');
    const rooms = Array.from(
      { length: 600 },
      (_, index) => `#${index % 2 ? 'Page' : 'page'}-${String(index).padStart(3, '0')}`,
    );
    for (const [user, some] of [
      ['pam', rooms.slice(0, 400)],
      ['pat', rooms.slice(200)],
    ] as const) {
      const member = await account(user);
      await Promise.all(member.pipeline(some.map((room) => ['join', room])));
    }
    const got = await pages(visitor, 'rooms');
    expect(got.length).toBeGreaterThan(1);
    for (const page of got) expect(page.length).toBeLessThanOrEqual(500);
    const mine = got
      .flat()
      .map(array)
      .filter(([name]) => lower([name ?? null])[0]?.startsWith('#page-'));
    expect(mine).toEqual(rooms.map((room, index) => [room, index >= 200 && index < 400 ? 2 : 1]));
    const names = lower(got.flat().map((row) => array(row)[0] ?? null));
    expect(names).toEqual([...names].sort());
  });

  it('of users come in pages: users online, and members of a room', async () => {
    const crowd = await Promise.all(
      Array.from({ length: 505 }, async (_, index) => {
        const guest = await open();
        await guest.ask('guest', `${index % 2 ? 'Q' : 'q'}${String(index).padStart(3, '0')}`);
        return guest;
      }),
    );
    const quin = await account('quin');
    const online = await pages(quin, 'who');
    expect(online[0]).toHaveLength(500);
    const names = online.flat().map((row) => array(row)[0] ?? null);
    expect(names.filter((name) => /^q[0-9]{3}$/i.test(String(name)))).toHaveLength(505);
    expect(lower(names)).toEqual([...lower(names)].sort());
    expect(online.flat().every((row) => array(row)[1] === true)).toBe(true);
    await Promise.all(crowd.map((guest) => guest.ask('quit')));

    await (await account('rob')).ask('join', '#quins');
    await quin.ask('join', '#quins');
    expect(await quin.ask('who', '#quins')).toEqual([
      [
        ['quin', true],
        ['rob', true],
      ],
      null,
    ]);
    expect(await quin.ask('who', '#quins', 'quin')).toEqual([[['rob', true]], null]);
    expect(await refusal(quin.ask('who', '#nobodys'))).toBe('no_such_room');
  });

  it('describe one user', async () => {
    const before = Date.now();
    const [wyn, xen] = [await account('wyn'), await account('Xen')];
    const guest = await open();
    await guest.ask('guest', 'xul');
    for (const member of [wyn, xen, guest]) await member.ask('join', '#tell');
    await xen.ask('join', '#secret');
    const found = await wyn.ask('whois', 'XEN');
    expect(plain(found)).toEqual({
      user: 'Xen',
      guest: false,
      onlineSince: expect.any(Number),
      registeredAt: expect.any(Number),
      rooms: ['#tell'],
    });
    const [online, registered] = ['onlineSince', 'registeredAt'].map((key) => number(field(found, key)));
    expect(online).toBeGreaterThanOrEqual(before);
    // Registration times are stored in whole seconds.
    expect(registered).toBeGreaterThan(before - 1_000);
    const xul = { user: 'xul', guest: true, registeredAt: null, rooms: ['#tell'] };
    expect(plain(await wyn.ask('whois', 'xul'))).toMatchObject(xul);
    await xen.ask('quit');
    await until(
      'Xen to be offline',
      async () => field(await wyn.ask('whois', 'Xen'), 'onlineSince') === null,
    );
    await expectRefusals(wyn, [
      ['no_such_user', 'whois', 'nobody'],
      ['bad_name', 'whois', '#tell'],
      ['missing_argument', 'whois'],
    ]);
  });
});

describe('guests', () => {
  it('need no account and leave nothing behind', async () => {
    const sue = await account('sue');
    await sue.ask('join', '#sues');
    const guest = await open();
    expect(plain(await guest.ask('guest', 'Tom'))).toEqual({ user: 'Tom', rooms: [] });
    await guest.event('live');
    const [joined] = array(await guest.ask('join', '#sues'));
    expect(await sue.event('joined')).toEqual([joined, expect.any(Number), '#sues', 'Tom']);
    const sent = await send(guest, '#sues', 'hello');
    expect(await sue.event('message')).toEqual([sent.id, sent.at, 'Tom', '#sues', 'hello']);
    const back = await send(sue, 'tom', 'welcome');
    expect(await guest.event('message')).toEqual([back.id, back.at, 'sue', 'Tom', 'welcome']);

    const second = await open();
    expect(await refusal(second.ask('guest', 'TOM'))).toBe('name_taken');
    expect(await refusal(second.ask('guest', 'sue'))).toBe('name_taken');
    expect(await refusal(second.ask('register', 'tom', PASSWORD))).toBe('name_taken');
    expect(await refusal(guest.ask('password', PASSWORD, PASSWORD))).toBe('not_for_guests');
    guest.socket.destroy();
    expect((await sue.event('left')).slice(2)).toEqual(['#sues', 'Tom']);
    // The three may be on different shards, so the name becomes free a moment later.
    await until('the name to be free', () =>
      second.ask('guest', 'tom').then(
        () => true,
        () => false,
      ),
    );
    await second.ask('logout');
    await second.ask('register', 'tom', PASSWORD);
  });
});

describe('presence', () => {
  it('reports arrivals at once, and departures after ten seconds', async () => {
    const uma = await account('uma');
    await uma.ask('join', '#umas');
    const vic = await account('vic');
    await vic.ask('join', '#umas');
    await vic.ask('quit');
    const left = performance.now();
    await uma.event('offline', (user) => user === 'vic');
    expect(performance.now() - left).toBeGreaterThan(9_500);
    expect(await uma.ask('who', '#umas')).toEqual([
      [
        ['uma', true],
        ['vic', false],
      ],
      null,
    ]);
    await login('vic');
    expect(await uma.event('online', (user) => user === 'vic')).toEqual(['vic']);
    expect(uma.frames.map(({ value }) => value)).not.toContainEqual([expect.stringMatching(/line$/), 'uma']);
  });
});

describe('refusals', () => {
  it('before login', async () => {
    const anonymous = await open();
    await account('xia');
    await expectRefusals(anonymous, [
      ['bad_version', 'hello', new Map([['version', 2]])],
      ['bad_argument', 'hello', 'version 1'],
      ['unknown_command', 'shout', 'x'],
      ['unknown_command', 'constructor'],
      ['unknown_command', '__proto__'],
      ['bad_argument', 'hello', new Map([['heartbeat', 999]])],
      ['missing_argument', 'register', 'xia'],
      ['bad_name', 'register', '1st', PASSWORD],
      ['bad_password', 'register', 'xander', 'short'],
      ['name_taken', 'register', 'XIA', PASSWORD],
      ['wrong_credentials', 'login', 'xia', 'wrong horse'],
      ['wrong_credentials', 'login', 'nobody', PASSWORD],
      ['bad_argument', 'login', 'xia', PASSWORD, 'the last'],
      ['not_logged_in', 'logout'],
      ['not_logged_in', 'send', 'xia', 'x'],
    ]);
  });

  it('after login', async () => {
    const yan = await account('yan');
    await (await account('yves')).ask('join', '#yves');
    await expectRefusals(yan, [
      ['already_logged_in', 'login', 'yan', PASSWORD],
      ['missing_argument', 'send', 'yan'],
      ['bad_room', 'join', 'no-sign'],
      ['bad_text', 'send', 'yan', ''],
      ['bad_key', 'send', 'yan', 'x', ''],
      ['no_such_user', 'send', 'nobody', 'x'],
      ['not_a_member', 'send', '#yves', 'x'],
      ['not_a_member', 'leave', '#yves'],
      ['no_such_room', 'send', '#nowhere', 'x'],
      ['no_such_room', 'leave', '#nowhere'],
      ['bad_password', 'password', PASSWORD, 'short'],
      ['wrong_credentials', 'password', 'wrong horse', PASSWORD],
    ]);
    expect(await yan.ask('ping', 'something', 'more')).toBeNull();
  });

  it('of bodies do not affect the connection', async () => {
    const connection = await open();
    const ping = 'a470696e67';
    for (const [code, body] of [
      ['malformed', 'c0'],
      ['malformed', `93${ping}01cb7ff8000000000000`],
      ['malformed', `93${ping}01dd7fffffff`],
      ['malformed', `93${ping}019191919191919190`],
      ['bad_request_id', '90'],
      ['bad_request_id', `92${ping}cb3ff8000000000000`],
    ]) {
      connection.socket.write(frame(Buffer.from(body ?? '', 'hex')));
      expect(await connection.event('error'), body).toEqual([null, code, expect.any(String)]);
    }
    // Nested exactly 8 deep, including the outer array.
    connection.socket.write(frame(Buffer.from(`93${ping}0191919191919190`, 'hex')));
    expect(await connection.event('ok')).toEqual([1]);
    expect(await connection.ask('ping')).toBeNull();
  });

  it('of headers end the connection', async () => {
    for (const [code, header] of [
      ['bad_frame', '12345678'],
      ['bad_frame', 'GET / HT'],
      ['frame_too_large', '4097    '],
    ]) {
      const connection = await open();
      connection.socket.write(Buffer.from(header ?? ''));
      await connection.ended;
      expect(
        connection.frames.map(({ value }) => value),
        header,
      ).toEqual([
        ['error', null, code, expect.any(String)],
        ['bye', 'bad_frame', expect.any(String)],
      ]);
    }
    const inside = await account('zoe');
    inside.socket.write(Buffer.from(`65536   ${' '.repeat(65_536)}`));
    expect((await inside.event('error'))[1]).toBe('malformed');
    inside.socket.write(Buffer.from('65537   '));
    await inside.ended;
    expect(inside.events.map(({ fields }) => fields)).toEqual([
      [null, 'frame_too_large', expect.any(String)],
      ['bad_frame', expect.any(String)],
    ]);
  });

  it('of guests, on a server that accepts none', async () => {
    expect(await refusal((await open(await serve())).ask('guest', 'anybody'))).toBe('guests_refused');
  });

  it('while too many passwords are being checked', async () => {
    const strained = await serve(['--hash-workers', '1']);
    await account('ada', strained);
    // The page does not say how many checks may be waiting; it is fewer than this.
    const crowd = await Promise.all(Array.from({ length: 200 }, () => open(strained)));
    const busy = crowd.map((connection) => refusal(connection.ask('login', 'ada', PASSWORD)));
    expect(await Promise.any(busy)).toBe('busy');
    for (const { socket } of crowd) socket.destroy();
    await Promise.allSettled(busy);
    await strained.kill();

    const attacked = await serve();
    const guesser = await account('ada', attacked);
    await guesser.ask('logout');
    for (let guess = 0; guess < 30; guess += 1)
      expect(await refusal(guesser.ask('login', guess % 2 ? 'ada' : 'nobody', `guess ${guess} horse`))).toBe(
        'wrong_credentials',
      );
    expect(await refusal(guesser.ask('login', 'ada', PASSWORD))).toBe('too_many_attempts');
  });

  it('while a part of the server restarts', async () => {
    const shaken = await serve();
    const patient = await account('ada', shaken);
    await patient.ask('logout');
    shaken.crash('auth');
    await until('unavailable', async () => {
      const code = await patient.ask('login', 'ada', PASSWORD).then(
        () => patient.ask('logout'),
        (error: unknown) => error instanceof Refused && error.code,
      );
      return code === 'unavailable';
    });
    await until('the login to work again', () =>
      patient.ask('login', 'ada', PASSWORD).then(
        () => true,
        () => false,
      ),
    );
  });
});

describe('farewells', () => {
  it('on quit', async () => {
    const connection = await open();
    const [pinged, quit] = connection.pipeline([['ping'], ['quit']]);
    expect([await pinged, await quit]).toEqual([null, null]);
    await connection.ended;
    expect(connection.frames.at(-1)?.value).toEqual(['bye', 'quit', expect.any(String)]);
  });

  it('to the other sessions when the password changes', async () => {
    const [here, there] = [await account('bea'), await login('bea')];
    await here.ask('password', PASSWORD, 'battery staple');
    await there.ended;
    expect(there.frames.at(-1)?.value).toEqual(['bye', 'password_changed', expect.any(String)]);
    expect(await here.ask('ping')).toBeNull();
    expect(await refusal((await open()).ask('login', 'bea', PASSWORD))).toBe('wrong_credentials');
    await (await open()).ask('login', 'bea', 'battery staple');
  });

  it('to a client that does not read', async () => {
    const slow = await account('cid');
    const fast = await account('dee');
    slow.socket.pause();
    const flood = Array.from({ length: 50 }, (): Request => ['send', 'cid', 'x'.repeat(8192)]);
    const isOnline = async (): Promise<boolean> =>
      (await pages(fast, 'who')).flat().some((row) => array(row)[0] === 'cid');
    await until('the slow one to be sent away', async () => {
      await Promise.all(fast.pipeline(flood));
      return !(await isOnline());
    });
    slow.socket.resume();
    await slow.ended;
    expect(slow.frames.at(-1)?.value).toEqual(['bye', 'too_slow', expect.any(String)]);
  });

  it('to a client that promised a heartbeat and is silent', async () => {
    const connection = await account('eli');
    await connection.ask('hello', new Map<string, Value>([['heartbeat', 1_000]]));
    await connection.ended;
    expect(connection.frames.at(-1)?.value).toEqual(['bye', 'silent', expect.any(String)]);
  });

  it('when the server stops', async () => {
    const stopping = await serve();
    const [inside, outside] = [await account('ada', stopping), await open(stopping)];
    await outside.ask('ping');
    expect(await stopping.stop()).toEqual({ code: 0, signal: null });
    for (const connection of [inside, outside]) {
      await connection.ended;
      const [name, code, text, retryAfter = 0, ...more] = connection.frames.at(-1)?.value ?? [];
      expect([name, code, typeof text, more]).toEqual(['bye', 'shutdown', 'string', []]);
      expect(number(retryAfter)).toBeGreaterThanOrEqual(0);
    }
  });
});

holdTables(connections, (word) => ![...COMING_BACK, ...LOOKING_BACK].includes(word));
