import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestClient } from '../support/client.ts';
import { newPaths } from '../support/folder.ts';
import { until } from '../support/process.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const newFolder = newPaths();
let server: RunningServer;

beforeEach(async () => {
  server = await startServer({ data: newFolder(), args: ['--workers', '3', '--guests'] });
});
afterEach(async () => {
  await server.stop();
});

function restarted(thread: string): Promise<number> {
  return until(`${thread} to be restarted`, () => {
    const match = new RegExp(`"thread.restarted".*"child":"${thread}","afterMs":(\\d+)`).exec(
      server.stderr(),
    );
    return match === null ? undefined : Number(match[1]);
  });
}

describe('a thread that dies', () => {
  it('registry: pending joins, leaves and logins are answered once it is back', async () => {
    const ann = await TestClient.register(server.address, 'ann');
    const ben = await TestClient.register(server.address, 'ben');
    await ann.ok('join', '#left');
    server.crash('registry');
    const asked = [
      ann.request('join', '#new'),
      ann.request('send', '#new', 'hello'),
      ann.request('leave', '#left'),
      ann.request('who', '#new'),
    ];
    const late = TestClient.login(server.address, 'ben');
    for (const id of asked) expect((await ann.answer(id))[0]).toBe('ok');
    await late;
    await ben.ok('join', '#new');
    await ann.event('joined', (e) => e[4] === 'ben');
    expect(await ann.refused('send', '#left', 'still?')).toBe('no_such_room');
  });

  it('auth: chat continues, and logins and registrations work again within a second', async () => {
    const ann = await TestClient.register(server.address, 'ann');
    const guest = await TestClient.connect(server.address);
    await guest.ok('guest', 'visitor');
    server.crash('auth');
    await ann.ok('send', 'ann', 'note');
    expect(await restarted('auth')).toBeLessThan(5_000);
    const back = await TestClient.login(server.address, 'ann');
    await back.ok('ping');
    await TestClient.register(server.address, 'ben');
    const thief = await TestClient.connect(server.address);
    expect(await thief.refused('guest', 'visitor')).toBe('name_taken');
    expect(await thief.refused('register', 'Visitor', 'a password')).toBe('name_taken');
  });

  it('shard: its guests are gone, and their names are free', async () => {
    const guest = await TestClient.connect(server.address);
    await guest.ok('guest', 'visitor');
    await guest.ok('join', '#r');
    const member = await TestClient.register(server.address, 'ann');
    await member.ok('join', '#r');
    const shard = /"thread":"(shard-\d)","event":"guest"/.exec(server.stderr())?.[1] ?? '';
    server.crash(shard);
    await guest.closed();
    await restarted(shard);
    const next = await TestClient.connect(server.address);
    await next.ok('guest', 'visitor');
    expect(await next.refused('send', '#r', 'not my room')).toBe('not_a_member');
  });

  it('again and again: the server gives up with exit code 1 rather than pretend', async () => {
    const { child } = server;
    const crash = (): boolean => {
      if (child.connected) server.crash('auth');
      return child.exitCode !== null;
    };
    await until('the end of the server', crash);
    expect(child.exitCode).toBe(1);
    expect(server.stderr()).toContain('parley: the server cannot continue');
  });
});
