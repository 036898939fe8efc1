import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hashSync } from '@node-rs/argon2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestClient } from '../support/client.ts';
import { testFolder } from '../support/folder.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const folder = testFolder();
const data = `${folder}/data`;
let server: RunningServer;

beforeAll(async () => {
  server = await startServer({ data, args: ['--hash-workers', '1'] });
});
afterAll(async () => {
  await server.stop();
});

it('stores argon2id hashes with the right parameters, and the last line of a name wins', async () => {
  const ben = await TestClient.register(server.address, 'Ben');
  await ben.ok('password', 'secret of Ben', 'a better secret');
  const lines = readFileSync(`${data}/users.txt`, 'utf8').split('\n');
  expect(lines[0]).toBe('# parley users 1');
  const bens = lines.filter((line) => line.startsWith('Ben '));
  expect(bens).toHaveLength(2);
  const record =
    /^Ben \$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43} \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
  for (const line of bens) expect(line).toMatch(record);
  await server.stop();
  server = await startServer({ data });
  expect(readFileSync(`${data}/users.txt`, 'utf8').match(/^Ben /gm)).toHaveLength(1);
  const client = await TestClient.connect(server.address);
  expect(await client.refused('login', 'ben', 'secret of Ben')).toBe('wrong_credentials');
  expect(await client.ok('login', 'ben', 'a better secret')).toMatchObject({ user: 'Ben' });
});

describe('a password with letters that have several forms', () => {
  const NFC = 'Gr\u00fc\u00dfe aus K\u00f6ln';
  const NFD = NFC.normalize('NFD');

  it('is the same in every form: at register, login and change', async () => {
    const forms = [NFC, NFD, NFC.replaceAll(' ', '\u00a0')];
    for (const [i, form] of forms.entries()) {
      const client = await TestClient.register(server.address, `greta${i}`, form);
      for (const other of forms) await TestClient.login(server.address, `greta${i}`, other);
      await client.ok('password', forms[(i + 1) % forms.length], `${form} 2`);
      for (const other of forms) await TestClient.login(server.address, `greta${i}`, `${other} 2`);
      const stranger = await TestClient.connect(server.address);
      expect(await stranger.refused('login', `greta${i}`, `${NFC.toLowerCase()} 2`)).toBe(
        'wrong_credentials',
      );
    }
  });

  it('is measured in its composed form', async () => {
    const client = await TestClient.connect(server.address);
    expect(await client.refused('register', 'hans', '\u00fc\u00fc\u00fc'.normalize('NFD'))).toBe(
      'bad_password',
    );
    await client.ok('register', 'hans', '\u00fc'.repeat(128).normalize('NFD'));
    await client.ok('login', 'hans', '\u00fc'.repeat(128));
  });

  it('still matches hashes of the unnormalized form, and imported passwords in any form', async () => {
    await server.stop();
    const users = `${data}/users.txt`;
    const hash = hashSync(NFD, { memoryCost: 19_456, timeCost: 2, parallelism: 1 });
    appendFileSync(users, `ida ${hash} 2026-11-22T06:15:38Z\n`);
    server = await startServer({ data });
    await TestClient.login(server.address, 'ida', NFD);
    const client = await TestClient.connect(server.address);
    expect(await client.refused('login', 'ida', NFC)).toBe('wrong_credentials');
    const old = `${folder}/forms`;
    mkdirSync(old, { mode: 0o700 });
    writeFileSync(`${old}/users.txt`, `\ufeffjule\t${NFD}\r\nkai ${NFC}\r\n`, { mode: 0o600 });
    const other = await startServer({ data: old });
    expect(readFileSync(`${old}/users.txt`, 'utf8')).toMatch(
      /^# parley users 1\njule \S+ \S+\nkai \S+ \S+\n$/,
    );
    for (const name of ['jule', 'kai']) {
      for (const form of [NFC, NFD]) await TestClient.login(other.address, name, form);
    }
    await other.stop();
  });
});

it('a name removed from users.txt is free, and its next owner is a new account', async () => {
  await TestClient.register(server.address, 'olga');
  const quentin = await TestClient.register(server.address, 'quentin');
  await quentin.ok('join', '#private');
  await server.stop();
  appendFileSync(`${data}/users.txt`, 'quentin - 2030-01-01T00:00:00Z\n');
  server = await startServer({ data });
  const olga = await TestClient.login(server.address, 'olga');
  expect(await olga.refused('send', 'quentin', 'still there?')).toBe('no_such_user');
  const next = await TestClient.register(server.address, 'Quentin');
  expect(await next.refused('send', '#private', 'mine?')).toBe('no_such_room');
});
