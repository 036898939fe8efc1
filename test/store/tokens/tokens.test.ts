import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openTokens, type Tokens } from '../../../src/store/tokens/tokens.ts';
import { testFolder } from '../../support/folder.ts';

const folder = testFolder();
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = Date.parse('2026-11-22T06:15:38Z');
const RECORD = '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA';

let files = 0;
function newFile(): string {
  files += 1;
  mkdirSync(`${folder}/${files}`);
  return `${folder}/${files}/tokens.db`;
}

function open(path: string, perAccount = 20): Tokens {
  const warn = (text: string): never => {
    throw new Error(`unexpected: ${text}`);
  };
  return openTokens(path, { lifetimeMs: 30 * DAY, perAccount, warn });
}

function issue(tokens: Tokens, user: string, now = NOW, record = RECORD): string {
  const token = tokens.issue(user, record, now);
  if (token === undefined) throw new Error('no token was issued');
  return token;
}

describe('a token', () => {
  it('logs in its account, and no other, until it is revoked', () => {
    const tokens = open(newFile());
    const token = issue(tokens, 'Ann');
    expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(tokens.check('ann', token, RECORD, NOW)).toBe('ok');
    expect(tokens.check('ANN', token, RECORD, NOW)).toBe('ok');
    expect(tokens.check('ben', token, RECORD, NOW)).toBe('bad_token');
    for (const other of ['', 'x', token.slice(1), `${token}A`, token.toLowerCase(), 'é\ud800']) {
      expect(tokens.check('ann', other, RECORD, NOW)).toBe('bad_token');
    }
    expect(tokens.revoke(token)).toBe('ok');
    expect(tokens.check('ann', token, RECORD, NOW)).toBe('bad_token');
    expect(tokens.revoke(token)).toBe('ok');
  });

  it('survives the process, however that ends, and so does its revocation', () => {
    const file = newFile();
    const tokens = open(file);
    const [kept, ended] = [issue(tokens, 'ann'), issue(tokens, 'ann')];
    tokens.revoke(ended);
    // What is in the files at this moment is what a killed process leaves behind.
    const copy = newFile();
    cpSync(dirname(file), dirname(copy), { recursive: true });
    for (const path of [copy, file]) {
      if (path === file) tokens.close();
      const again = open(path);
      expect(again.check('ann', kept, RECORD, NOW)).toBe('ok');
      expect(again.check('ann', ended, RECORD, NOW)).toBe('bad_token');
      again.close();
    }
  });

  it('cannot be read from the file, which is private', () => {
    const file = newFile();
    const tokens = open(file);
    const token = issue(tokens, 'ann');
    tokens.close();
    chmodSync(file, 0o644);
    const again = open(file);
    again.check('ann', token, RECORD, NOW + 2 * HOUR);
    for (const name of readdirSync(dirname(file))) {
      const path = `${dirname(file)}/${name}`;
      expect(statSync(path).mode & 0o777).toBe(0o600);
      const bytes = readFileSync(path);
      expect(bytes.includes(token)).toBe(false);
      expect(bytes.includes(Buffer.from(token, 'base64url'))).toBe(false);
      expect(bytes.includes(RECORD)).toBe(false);
    }
    again.close();
  });

  it('is valid only with the password record it was issued for', () => {
    const tokens = open(newFile());
    const token = issue(tokens, 'ann');
    expect(tokens.check('ann', token, `${RECORD}x`, NOW)).toBe('bad_token');
    expect(tokens.check('ann', token, RECORD, NOW)).toBe('ok');
    const other = issue(tokens, 'ben');
    tokens.revokeAll('ANN');
    expect(tokens.check('ann', token, RECORD, NOW)).toBe('bad_token');
    expect(tokens.check('ben', other, RECORD, NOW)).toBe('ok');
  });

  it('expires a lifetime after its last use', () => {
    const file = newFile();
    const [tokens, unused, used] = ((t) => [t, issue(t, 'ann'), issue(t, 'ann')] as const)(open(file));
    let now = NOW;
    for (let i = 0; i < 5; i += 1) {
      now += 29 * DAY;
      expect(tokens.check('ann', used, RECORD, now)).toBe('ok');
    }
    expect(tokens.check('ann', unused, RECORD, NOW + 30 * DAY - 1)).toBe('ok');
    expect(tokens.check('ann', used, RECORD, now + 30 * DAY - 1)).toBe('ok');
    expect(tokens.check('ann', used, RECORD, now + 61 * DAY)).toBe('bad_token');
    const third = issue(tokens, 'ben');
    expect(tokens.check('ben', third, RECORD, NOW + 30 * DAY)).toBe('bad_token');
    // A clock that was set back removes nothing.
    const fourth = issue(tokens, 'ben');
    expect(tokens.check('ben', fourth, RECORD, NOW - 400 * DAY)).toBe('ok');
    expect(tokens.check('ben', fourth, RECORD, NOW + 30 * DAY - 1)).toBe('ok');
  });

  it('is written to at most once an hour, however often it is used', () => {
    const file = newFile();
    const tokens = open(file);
    const token = issue(tokens, 'ann');
    const log = (): Buffer => readFileSync(`${file}-wal`);
    const before = log();
    for (let minute = 0; minute < 60; minute += 1) tokens.check('ann', token, RECORD, NOW + minute * 60_000);
    expect(log().equals(before)).toBe(true);
    tokens.check('ann', token, RECORD, NOW + HOUR);
    expect(log().equals(before)).toBe(false);
  });
});

describe('the tokens of an account', () => {
  it('are limited in number: those unused for longest are removed', () => {
    const tokens = open(newFile(), 3);
    const first = issue(tokens, 'ann', NOW);
    const second = issue(tokens, 'ann', NOW + 1);
    const third = issue(tokens, 'ann', NOW + 2);
    const other = issue(tokens, 'ben', NOW);
    const later = NOW + 2 * HOUR;
    expect(tokens.check('ann', first, RECORD, later)).toBe('ok');
    const fourth = issue(tokens, 'Ann', later + 1);
    expect([first, second, third, fourth].map((t) => tokens.check('ann', t, RECORD, later))).toEqual([
      'ok',
      'bad_token',
      'ok',
      'ok',
    ]);
    const atOnce = Array.from({ length: 10 }, () => issue(tokens, 'ann', later + 2));
    expect(atOnce.map((t) => tokens.check('ann', t, RECORD, later))).toEqual([
      ...Array(7).fill('bad_token'),
      ...Array(3).fill('ok'),
    ]);
    expect([first, third, fourth].map((t) => tokens.check('ann', t, RECORD, later))).toEqual(
      Array(3).fill('bad_token'),
    );
    expect(tokens.check('ben', other, RECORD, later)).toBe('ok');
  });

  it('behave like a model, whatever is done to them', () => {
    const users = ['ann', 'Ben'];
    const records = [RECORD, `${RECORD}2`];
    const step = fc.record({
      what: fc.constantFrom('issue', 'issue', 'check', 'check', 'end', 'change', 'endAll', 'sweep', 'reopen'),
      user: fc.constantFrom(0, 1),
      which: fc.nat(30),
      passed: fc.oneof(fc.nat(1_000), fc.nat(2 * HOUR), fc.nat(20 * DAY)),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const file = newFile();
        let tokens = open(file, 4);
        const issued: Array<{ token: string; user: number; record: number; used: number; live: boolean }> =
          [];
        const record = [0, 0];
        let now = NOW;
        for (const { what, user, which, passed } of steps) {
          // Longer than the resolution of uses, so that each one counts.
          now += passed + HOUR;
          const name = users[user] ?? '';
          const present = records[(record[user] ?? 0) % 2] ?? '';
          const one = issued[which % Math.max(1, issued.length)];
          if (what === 'issue') {
            const mine = issued.filter((t) => t.user === user && t.live).sort((a, b) => a.used - b.used);
            for (const oldest of mine.slice(0, Math.max(0, mine.length - 3))) oldest.live = false;
            const token = issue(tokens, name, now, present);
            issued.push({ token, user, record: record[user] ?? 0, used: now, live: true });
          } else if (what === 'change') {
            record[user] = (record[user] ?? 0) + 2;
          } else if (what === 'endAll') {
            tokens.revokeAll(name);
            for (const t of issued) if (t.user === user) t.live = false;
          } else if (what === 'sweep') {
            expect(tokens.sweep(now)).toBe(false);
            for (const t of issued) if (t.used + 30 * DAY <= now) t.live = false;
          } else if (what === 'reopen') {
            tokens.close();
            tokens = open(file, 4);
          } else if (what === 'end' && one !== undefined) {
            expect(tokens.revoke(one.token)).toBe('ok');
            one.live = false;
          } else if (what === 'check' && one !== undefined) {
            const isGood = one.live && one.user === user && now < one.used + 30 * DAY;
            expect(tokens.check(name.toUpperCase(), one.token, present, now)).toBe(
              isGood ? 'ok' : 'bad_token',
            );
            if (isGood) one.used = now;
          }
        }
        tokens.close();
        rmSync(dirname(file), { recursive: true });
      }),
      { numRuns: 60 },
    );
  });

  it('are removed when they have expired, a bounded number at a time', () => {
    const file = newFile();
    const tokens = open(file, 2_000);
    const old = Array.from({ length: 1_500 }, (_, i) => issue(tokens, `user${i}`));
    const young = issue(tokens, 'ann', NOW + DAY);
    const later = NOW + 30 * DAY;
    expect([tokens.sweep(later - 1), tokens.sweep(later), tokens.sweep(later), tokens.sweep(later)]).toEqual([
      false,
      true,
      false,
      false,
    ]);
    expect(tokens.check('ann', young, RECORD, later)).toBe('ok');
    expect(tokens.check('user0', old[0] ?? '', RECORD, NOW)).toBe('bad_token');
    tokens.close();
    const db = new DatabaseSync(file);
    expect(db.prepare('SELECT count(*) AS n FROM tokens').get()?.n).toBe(1);
    db.close();
  });
});

it('tokens of accounts that no longer exist are revoked, however many there are', () => {
  const tokens = open(newFile());
  const users = Array.from({ length: 2_500 }, (_, i) => `user${i}`);
  const all = users.map((user) => issue(tokens, user));
  let after: string | undefined = '';
  let calls = 0;
  for (; after !== undefined; calls += 1) {
    after = tokens.revokeMissing((user) => user.endsWith('7'), after);
  }
  expect(calls).toBe(3);
  const left = users.filter((user, i) => tokens.check(user, all[i] ?? '', RECORD, NOW) === 'ok');
  expect(left).toEqual(users.filter((user) => user.endsWith('7')));
  tokens.close();
});

it('tokens used while the clock was ahead expire when the others do', () => {
  const tokens = open(newFile(), 3);
  const [ahead, early] = [issue(tokens, 'ann', NOW + 90 * DAY), issue(tokens, 'ann', NOW)];
  expect(tokens.sweep(NOW)).toBe(false);
  // The token used while the clock was ahead does not push out the newest at the next login either.
  const later = issue(tokens, 'ann', NOW + DAY);
  const latest = issue(tokens, 'ann', NOW + 2 * DAY);
  const check = (token: string, now: number): string => tokens.check('ann', token, RECORD, now);
  expect([ahead, early, later, latest].map((token) => check(token, NOW + 2 * DAY)).sort()).toEqual([
    'bad_token',
    'ok',
    'ok',
    'ok',
  ]);
  expect([check(later, NOW + 2 * DAY), check(latest, NOW + 2 * DAY)]).toEqual(['ok', 'ok']);
  const unused = issue(tokens, 'ben', NOW + 90 * DAY);
  tokens.sweep(NOW);
  expect(tokens.check('ben', unused, RECORD, NOW + 30 * DAY)).toBe('bad_token');
  // While the time is uncertain, it may still be valid.
  expect(tokens.check('ben', unused, RECORD, NOW + 30 * DAY, false)).toBe('ok');
  tokens.close();
});
