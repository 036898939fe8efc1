import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openTokens, type Tokens } from '../../../src/store/tokens/tokens.ts';
import { testFolder } from '../../support/folder.ts';
import { SmallDisk } from '../../support/small-disk.ts';

const folder = testFolder();
const NOW = Date.parse('2026-11-22T06:15:38Z');
const RECORD = '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA';
/** Only root can mount a small disk. */
const canMount = process.platform === 'linux' && process.getuid?.() === 0;

let files = 0;
function newFile(): string {
  files += 1;
  mkdirSync(`${folder}/${files}`);
  return `${folder}/${files}/tokens.db`;
}

interface Opened {
  readonly tokens: Tokens;
  readonly warnings: string[];
}

function open(path: string): Opened {
  const warnings: string[] = [];
  const tokens = openTokens(path, { lifetimeMs: 1e9, perAccount: 20, warn: (text) => warnings.push(text) });
  return { tokens, warnings };
}

function issue(tokens: Tokens, user: string): string {
  const token = tokens.issue(user, RECORD, NOW);
  if (token === undefined) throw new Error('no token was issued');
  return token;
}

/** A file with tokens of `count` users, closed properly, and the tokens. */
function filled(count: number): { readonly file: string; readonly all: string[] } {
  const file = newFile();
  const { tokens } = open(file);
  const all = Array.from({ length: count }, (_, i) => issue(tokens, `user${i}`));
  tokens.close();
  return { file, all };
}

/** Logs in as after damage: the old token is gone, and a new one is issued. */
function expectNew({ tokens }: Opened, old: string): void {
  expect(tokens.check('user0', old, RECORD, NOW)).toBe('bad_token');
  const next = issue(tokens, 'user0');
  expect(tokens.check('user0', next, RECORD, NOW)).toBe('ok');
}

describe('a damaged file of tokens', () => {
  const damages: Record<string, (bytes: Buffer) => Buffer> = {
    'that is no database': () =>
      Buffer.from('this is a note about tokens, and no database at all\n'.repeat(99)),
    'that is cut short': (bytes) => bytes.subarray(0, bytes.length >> 1),
    'of zeros': (bytes) => Buffer.alloc(bytes.length),
    'whose first page is noise': (bytes) =>
      Buffer.concat([bytes.subarray(0, 100), bytes.subarray(100).fill(0xa5)]),
    'whose tables are noise': (bytes) => bytes.fill(0xa5, 4_096),
  };

  it.each(Object.keys(damages))('%s: is renamed, with a warning, and tokens are issued again', (name) => {
    const { file, all } = filled(60);
    const damaged = damages[name]?.(readFileSync(file)) ?? Buffer.alloc(0);
    writeFileSync(file, damaged);
    const opened = open(file);
    expectNew(opened, all[0] ?? '');
    expect(opened.warnings).toHaveLength(1);
    expect(opened.warnings[0]).toMatch(/is damaged \(.+\) and was renamed to .+tokens\.db\.damaged-2/);
    opened.tokens.close();
    const aside = readdirSync(dirname(file)).find((entry) => /damaged-[^-]+-[^-]+-[^w]*$/.test(entry));
    expect(readFileSync(`${dirname(file)}/${aside}`)).toEqual(damaged);
  });

  it('leaves no log that could be mistaken for that of the next file', () => {
    const file = newFile();
    const { tokens } = open(file);
    const old = issue(tokens, 'user0');
    const copy = newFile();
    cpSync(dirname(file), dirname(copy), { recursive: true });
    tokens.close();
    expect(statSync(`${copy}-wal`).size).toBeGreaterThan(0);
    rmSync(copy);
    const orphan = open(copy);
    expectNew(orphan, old);
    expect(orphan.warnings).toEqual([]);
    orphan.tokens.close();
  });

  it('of another version, or with other tables, is renamed', () => {
    for (const sql of [
      'PRAGMA user_version = 9',
      'DROP TABLE tokens',
      'ALTER TABLE tokens RENAME hash TO other',
    ]) {
      const { file, all } = filled(1);
      const db = new DatabaseSync(file);
      db.exec(sql);
      db.close();
      const opened = open(file);
      expectNew(opened, all[0] ?? '');
      expect(opened.warnings).toHaveLength(1);
      opened.tokens.close();
    }
  });

  it('never prevents a login, whatever happened to its bytes', () => {
    const { file } = filled(60);
    const whole = readFileSync(file);
    const damage = fc.record({
      cut: fc.oneof(fc.constant(whole.length), fc.nat(whole.length)),
      at: fc.nat(whole.length - 1),
      bytes: fc.uint8Array({ maxLength: 5_000 }),
    });
    fc.assert(
      fc.property(damage, ({ cut, at, bytes }) => {
        const damaged = Buffer.from(whole);
        damaged.set(bytes.subarray(0, whole.length - at), at);
        const path = newFile();
        writeFileSync(path, damaged.subarray(0, cut));
        const { tokens, warnings } = open(path);
        expect(tokens.check('user1', 'never issued', RECORD, NOW)).toBe('bad_token');
        let token = issue(tokens, 'ann');
        // Damage that is only found in use takes all tokens with it, including this one.
        if (tokens.check('ann', token, RECORD, NOW) === 'bad_token') {
          expect(warnings).toHaveLength(1);
          token = issue(tokens, 'ann');
          expect(tokens.check('ann', token, RECORD, NOW)).toBe('ok');
        }
        expect(tokens.revoke(token)).toBe('ok');
        expect(tokens.check('ann', token, RECORD, NOW)).toBe('bad_token');
        tokens.sweep(NOW);
        expect(warnings.length).toBeLessThanOrEqual(1);
        tokens.close();
        rmSync(dirname(path), { recursive: true });
      }),
      { numRuns: 60 },
    );
  });
});

describe('a file of tokens that cannot be used', () => {
  it('costs logins only their tokens, causes one warning, and is used again when possible', () => {
    const file = newFile();
    rmSync(dirname(file), { recursive: true });
    const { tokens, warnings } = open(file);
    for (let i = 0; i < 3; i += 1) expect(tokens.issue('ann', RECORD, NOW)).toBeUndefined();
    expect(tokens.check('ann', 'a token', RECORD, NOW)).toBe('unavailable');
    expect(tokens.revoke('a token')).toBe('storage_failed');
    expect(tokens.check('ann', 'a token', RECORD, NOW)).toBe('bad_token');
    tokens.revokeAll('ann');
    expect(tokens.sweep(NOW)).toBe(false);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('no such file or directory');
    mkdirSync(dirname(file));
    expect(tokens.check('ann', issue(tokens, 'ann'), RECORD, NOW)).toBe('ok');
    tokens.close();
  });

  it('that another program has locked is unavailable, not replaced', () => {
    const { file, all } = filled(1);
    const other = new DatabaseSync(file);
    other.exec('BEGIN EXCLUSIVE');
    const { tokens } = open(file);
    expect(tokens.check('user0', all[0] ?? '', RECORD, NOW)).toBe('unavailable');
    other.close();
    expect(tokens.check('user0', all[0] ?? '', RECORD, NOW)).toBe('ok');
    tokens.close();
  });
});

describe.runIf(canMount)('on a full disk', () => {
  function newDisk(): { readonly file: string; readonly disk: SmallDisk } {
    files += 1;
    const disk = SmallDisk.mount(`${folder}/disk${files}`, '2m');
    if (disk === undefined) throw new Error('root may not mount a disk');
    onTestFinished(() => disk.unmount());
    return { file: `${disk.folder}/tokens.db`, disk };
  }

  /** What a process killed at this moment would leave to the next one. */
  function afterKill(file: string): Opened {
    const copy = newFile();
    cpSync(dirname(file), dirname(copy), { recursive: true, filter: (path) => !path.endsWith('filler') });
    return open(copy);
  }

  it('logins get no tokens, existing tokens work, and revocations are permanent', () => {
    const { file, disk } = newDisk();
    const { tokens, warnings } = open(file);
    const all = Array.from({ length: 40 }, (_, i) => issue(tokens, `user${i}`));
    disk.fill();
    let more: string | undefined = '';
    for (let i = 0; more !== undefined && i < 5_000; i += 1) more = tokens.issue(`more${i}`, RECORD, NOW);
    expect(more).toBeUndefined();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/full/);
    // Any space freed would be taken by something else.
    disk.fill();
    const ended = all.filter((_, i) => i % 2 === 0);
    for (const token of ended) expect(tokens.revoke(token)).toBe('ok');
    const expected = all.map((_, i) => (i % 2 === 0 ? 'bad_token' : 'ok'));
    const look = (t: Tokens): string[] => all.map((token, i) => t.check(`user${i}`, token, RECORD, NOW));
    expect(look(tokens)).toEqual(expected);
    const next = afterKill(file);
    expect(look(next.tokens)).toEqual(expected);
    next.tokens.close();
    disk.release();
    expect(tokens.check('ann', issue(tokens, 'ann'), RECORD, NOW)).toBe('ok');
    tokens.close();
    const again = open(file);
    expect(look(again.tokens)).toEqual(expected);
    again.tokens.close();
  });

  it('that was full at the start, tokens work; revocations become permanent when there is room', () => {
    const { file, disk } = newDisk();
    const before = open(file);
    const [kept, ended] = [issue(before.tokens, 'ann'), issue(before.tokens, 'ann')];
    before.tokens.close();
    disk.fill();
    const { tokens, warnings } = open(file);
    expect(tokens.check('ann', kept, RECORD, NOW)).toBe('ok');
    expect(tokens.issue('ann', RECORD, NOW)).toBeUndefined();
    expect(tokens.revoke(ended)).toBe('storage_full');
    expect(tokens.sweep(NOW)).toBe(false);
    expect([tokens.check('ann', kept, RECORD, NOW), tokens.check('ann', ended, RECORD, NOW)]).toEqual([
      'ok',
      'bad_token',
    ]);
    expect(warnings).toHaveLength(1);
    disk.release();
    tokens.sweep(NOW);
    const next = afterKill(file);
    expect([
      next.tokens.check('ann', kept, RECORD, NOW),
      next.tokens.check('ann', ended, RECORD, NOW),
    ]).toEqual(['ok', 'bad_token']);
    next.tokens.close();
    tokens.close();
    expect(existsSync(file)).toBe(true);
  });
});
