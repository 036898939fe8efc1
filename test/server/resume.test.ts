import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../support/client.ts';
import { testFolder } from '../support/folder.ts';
import type { Frame } from '../support/frames.ts';
import { until } from '../support/process.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const folder = testFolder();
let server: RunningServer;
beforeAll(async () => {
  server = await startServer({
    data: `${folder}/data`,
    args: ['--workers', '2', '--guests', '--commands-per-second', '0'],
  });
});
afterAll(() => server.stop());

const NOTHING_MISSED = Number.MAX_SAFE_INTEGER;

interface Session {
  readonly client: TestClient;
  readonly token: string;
}

async function comeIn(
  verb: 'login' | 'resume',
  user: string,
  secret: string,
  lastId?: number,
): Promise<Session> {
  const client = await TestClient.connect(server.address);
  const result = await client.ok(verb, user, secret, lastId);
  await client.event('live');
  return { client, token: tokenOf(result) };
}

async function register(user: string): Promise<Session> {
  const client = await TestClient.connect(server.address);
  await client.ok('register', user, `secret of ${user}`);
  client.close();
  return comeIn('login', user, `secret of ${user}`);
}

function tokenOf(result: unknown): string {
  if (typeof result === 'object' && result !== null && 'token' in result && typeof result.token === 'string')
    return result.token;
  throw new Error(`no token in ${JSON.stringify(result)}`);
}

/** Events before `live`: what was replayed. */
function replayed({ client }: Session): Frame[] {
  return client.events.slice(
    0,
    client.events.findIndex((event) => event[0] === 'live'),
  );
}

const texts = (events: readonly Frame[]): unknown[] => events.map((e) => (e[0] === 'message' ? e[5] : e[0]));
const idOf = (result: unknown): number => (Array.isArray(result) ? Number(result[0]) : Number.NaN);

describe('coming back', () => {
  it('gives what was missed, in order, then what is said', async () => {
    const ann = await register('Ann1');
    const bob = await register('Bob1');
    await ann.client.ok('join', '#one');
    await bob.client.ok('join', '#one');
    const last = idOf(await ann.client.ok('send', '#one', 'before'));
    await bob.client.event('message');
    bob.client.close();
    await ann.client.ok('send', '#one', 'missed');
    await ann.client.ok('send', 'bob1', 'psst');
    await ann.client.ok('leave', '#one');
    const again = await comeIn('resume', 'bob1', bob.token, last);
    await ann.client.ok('send', 'Bob1', 'live');
    await again.client.event('message', (e) => e[5] === 'live');
    expect(texts(again.client.events)).toEqual(['missed', 'psst', 'left', 'live', 'live']);
    const ids = again.client.events.map((e) => Number(e[1]));
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
  });

  it('without a last id begins behind what the account has seen', async () => {
    const ann = await register('Ann2');
    const bob = await register('Bob2');
    bob.client.close();
    const first = idOf(await ann.client.ok('send', 'Bob2', 'one'));
    await ann.client.ok('send', 'Bob2', 'two');
    const unseen = await comeIn('login', 'Bob2', 'secret of Bob2');
    expect(texts(replayed(unseen))).toEqual(['one', 'two']);
    await unseen.client.ok('seen', first);
    await unseen.client.ok('seen', first - 1);
    const seen = await comeIn('login', 'Bob2', 'secret of Bob2');
    expect(texts(replayed(seen))).toEqual(['two']);
    await seen.client.ok('seen', NOTHING_MISSED);
    await ann.client.ok('send', 'Bob2', 'three');
    const all = await comeIn('login', 'Bob2', 'secret of Bob2');
    expect(texts(replayed(all))).toEqual(['three']);
  });

  it('shows nobody what was said while they were out of the room', async () => {
    const ann = await register('Ann3');
    const bob = await register('Bob3');
    await ann.client.ok('join', '#three');
    await ann.client.ok('send', '#three', 'before');
    await bob.client.ok('join', '#three');
    await ann.client.ok('send', '#three', 'first stay');
    await bob.client.ok('leave', '#three');
    await ann.client.ok('send', '#three', 'between');
    await bob.client.ok('join', '#three');
    await ann.client.ok('send', '#three', 'second stay');
    await bob.client.ok('leave', '#three');
    await ann.client.ok('send', '#three', 'after');
    const again = await comeIn('resume', 'Bob3', bob.token, 0);
    expect(texts(replayed(again))).toEqual(['joined', 'first stay', 'left', 'joined', 'second stay', 'left']);
    const page = await again.client.ok('history', '#three');
    expect(page).toMatchObject([[{ 4: 'second stay' }, { 4: 'first stay' }], null]);
  });

  it('replays more than memory holds, at the pace of the reader, while more arrives', async () => {
    const ann = await register('Ann4');
    const bob = await register('Bob4');
    await ann.client.ok('join', '#four');
    await bob.client.ok('join', '#four');
    bob.client.close();
    const count = 20_000;
    const filler = 'x'.repeat(100);
    const requests = Array.from({ length: count }, (_, i) =>
      ann.client.request('send', '#four', `${i} ${filler}`),
    );
    await ann.client.answer(requests[count / 2] ?? 0);
    const again = await comeIn('resume', 'Bob4', bob.token, 0);
    await again.client.until(() => again.client.messages().length >= count, 'all messages', 30_000);
    const numbers = again.client.messages().map((e) => Number(String(e[5]).split(' ')[0]));
    expect(numbers).toEqual(Array.from({ length: count }, (_, i) => i));
  }, 60_000);

  it('holds commands back until the session is live', async () => {
    const ann = await register('Ann5');
    await ann.client.ok('join', '#five');
    for (let i = 0; i < 50; i += 1) ann.client.request('send', '#five', `${i}`);
    await ann.client.ok('ping');
    await ann.client.ok('send', '#five', 'last');
    const order: unknown[] = [];
    const client = await TestClient.connect(server.address);
    client.request('resume', 'Ann5', ann.token, 0);
    const sent = client.request('send', '#five', 'at once');
    await client.answer(sent);
    for (const event of client.events) order.push(event[0] === 'message' ? event[5] : event[0]);
    expect(order.at(-1)).toBe('live');
    expect(order).toHaveLength(53);
  });

  it('tells own messages with their keys, so that nobody repeats them', async () => {
    const ann = await register('Ann6');
    await ann.client.ok('send', 'Ann6', 'note', 'a key');
    ann.client.close();
    const again = await comeIn('resume', 'Ann6', ann.token, 0);
    const [message] = replayed(again);
    expect(message?.slice(3)).toEqual(['Ann6', 'Ann6', 'note', 'a key']);
    expect(await again.client.ok('send', 'Ann6', 'note', 'a key')).toEqual([message?.[1], message?.[2]]);
  });

  it('goes on after a restart of the server', async () => {
    const data = `${folder}/restart`;
    let own = await startServer({ data });
    const ann = await TestClient.register(own.address, 'Ann');
    const bob = await TestClient.connect(own.address);
    await bob.ok('register', 'Bob', 'secret of Bob');
    const token = tokenOf(await bob.ok('login', 'Bob', 'secret of Bob'));
    const last = idOf(await ann.ok('send', 'Bob', 'one'));
    await bob.event('message');
    await ann.ok('send', 'Bob', 'two');
    await own.kill();
    own = await startServer({ data });
    const again = await TestClient.connect(own.address);
    await again.ok('resume', 'Bob', token, last);
    await again.event('live');
    expect(texts(again.events)).toEqual(['two', 'live']);
    await own.stop();
  });
});

describe('tokens', () => {
  it('end at logout', async () => {
    const ann = await register('Tom1');
    await ann.client.ok('logout');
    const client = await TestClient.connect(server.address);
    expect(await client.refused('resume', 'Tom1', ann.token, 0)).toBe('bad_token');
  });

  it('all end when the password changes', async () => {
    const one = await register('Tom2');
    const two = await comeIn('login', 'Tom2', 'secret of Tom2');
    await one.client.ok('password', 'secret of Tom2', 'another secret');
    for (const { token } of [one, two]) {
      const client = await TestClient.connect(server.address);
      expect(await client.refused('resume', 'Tom2', token, 0)).toBe('bad_token');
    }
  });

  it('let in nobody else', async () => {
    const tom = await register('Tom3');
    await register('Tim3');
    const client = await TestClient.connect(server.address);
    expect(await client.refused('resume', 'Tim3', tom.token, 0)).toBe('bad_token');
    expect(await client.refused('resume', 'Tom3', `${tom.token}x`, 0)).toBe('bad_token');
    expect(await client.refused('resume', 'nobody', tom.token, 0)).toBe('bad_token');
    expect(await client.ok('resume', 'TOM3', tom.token)).toMatchObject({ user: 'Tom3', token: tom.token });
  });
});

describe('delivered', () => {
  it('is told to the author when somebody else has been shown it', async () => {
    const ann = await register('Ann7');
    const bob = await register('Bob7');
    const direct = idOf(await ann.client.ok('send', 'Bob7', 'hello'));
    await ann.client.ok('seen', direct);
    await ann.client.ok('ping');
    expect(ann.client.events.filter((e) => e[0] === 'delivered')).toEqual([]);
    await bob.client.ok('seen', direct);
    expect(await ann.client.event('delivered')).toEqual(['delivered', direct]);
    await ann.client.ok('join', '#seven');
    const alone = idOf(await ann.client.ok('send', '#seven', 'anybody?'));
    await bob.client.ok('join', '#seven');
    const both = idOf(await ann.client.ok('send', '#seven', 'there you are'));
    await bob.client.ok('seen', both);
    await ann.client.event('delivered', (e) => e[1] === both);
    expect(ann.client.events.some((e) => e[0] === 'delivered' && e[1] === alone)).toBe(false);
  });

  it('is told to an author who was away', async () => {
    const ann = await register('Ann8');
    const bob = await register('Bob8');
    const id = idOf(await ann.client.ok('send', 'Bob8', 'hello'));
    await ann.client.ok('quit');
    await ann.client.closed();
    await until('ann to be away', async () => !JSON.stringify(await bob.client.ok('who')).includes('"Ann8"'));
    await bob.client.ok('seen', id);
    const again = await comeIn('resume', 'Ann8', ann.token, id);
    expect(await again.client.event('delivered')).toEqual(['delivered', id]);
  });
});

describe('history', () => {
  it('goes backwards in pages', async () => {
    const ann = await register('Ann9');
    await register('Bob9');
    for (let i = 0; i < 25; i += 1) ann.client.request('send', 'Bob9', `${i}`);
    await ann.client.ok('ping');
    const seen: unknown[] = [];
    let before: unknown = null;
    do {
      const page: unknown = await ann.client.ok('history', 'bob9', before, 10);
      if (!Array.isArray(page)) throw new Error('no page');
      for (const message of page[0]) seen.push(message[4]);
      before = page[1];
    } while (before !== null);
    expect(seen).toEqual(Array.from({ length: 25 }, (_, i) => `${24 - i}`));
  });

  it('fits into a frame, whatever was said', async () => {
    const ann = await register('Ann10');
    for (let i = 0; i < 30; i += 1) ann.client.request('send', 'Ann10', 'ä'.repeat(4_096));
    await ann.client.ok('send', 'Ann10', 'end');
    const page: unknown = await ann.client.ok('history', 'Ann10', null, 500);
    if (!Array.isArray(page)) throw new Error('no page');
    expect(page[0].length).toBeGreaterThan(4);
    expect(page[0].length).toBeLessThan(9);
    expect(page[1]).toBe(page[0].at(-1)[0]);
  });

  it('is refused where there is none', async () => {
    const ann = await register('Ann11');
    const bob = await register('Bob11');
    await bob.client.ok('join', '#eleven');
    expect(await ann.client.refused('history', '#eleven')).toBe('not_a_member');
    expect(await ann.client.refused('history', '#nowhere')).toBe('no_such_room');
    expect(await ann.client.refused('history', 'nobody')).toBe('no_such_user');
    expect(await ann.client.ok('history', 'Bob11')).toEqual([[], null]);
    expect(await ann.client.refused('history', 'Bob11', null, 0)).toBe('bad_argument');
    expect(await ann.client.refused('history', 'Bob11', null, 501)).toBe('bad_argument');
  });

  it('shows a guest nothing of an earlier guest', async () => {
    const ann = await register('Ann12');
    const first = await TestClient.connect(server.address);
    await first.ok('guest', 'visitor');
    await ann.client.ok('send', 'visitor', 'secret');
    await first.ok('quit');
    await first.closed();
    const second = await TestClient.connect(server.address);
    await second.until(() => true, 'start');
    for (let tries = 0; tries < 100; tries += 1) {
      const answer = await second.call('guest', 'visitor');
      if (answer[0] === 'ok') break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await second.event('live');
    expect(second.messages()).toEqual([]);
    expect(await second.ok('history', 'Ann12')).toEqual([[], null]);
  });
});
