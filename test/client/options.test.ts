import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ConnectOptions, displayFile, missingForScript, readOptions } from '../../src/client/options.ts';
import { testFolder } from '../support/folder.ts';

const folder = testFolder();
let files = 0;
const NONE: ConnectOptions = { register: false, guest: false, open: false, json: false, force: false };

function passwordFile(content: string | Buffer, mode = 0o600): string {
  files += 1;
  const file = join(folder, `password-${files}`);
  writeFileSync(file, content);
  chmodSync(file, mode);
  return file;
}

describe('readOptions', () => {
  it('reads the first line of the password file', () => {
    const contents = [
      'a long secret',
      'a long secret\n',
      'a long secret\r\nsecond line\n',
      '\ufeffa long secret\r\n',
    ];
    for (const content of contents) {
      expect(readOptions({ ...NONE, passwordFile: passwordFile(content) })).toMatchObject({
        type: 'given',
        given: { password: 'a long secret' },
        warning: undefined,
      });
    }
  });

  it('accepts a password in any normalization form', () => {
    // 252 bytes composed, and more than 256 decomposed.
    const long = 'ü'.repeat(126);
    for (const form of ['NFC', 'NFD']) {
      const file = passwordFile(long.normalize(form));
      expect(readOptions({ ...NONE, register: true, passwordFile: file })).toMatchObject({ type: 'given' });
    }
    // Eight bytes only if its letters are not composed.
    const short = passwordFile('üüü'.normalize('NFD'));
    expect(readOptions({ ...NONE, register: true, passwordFile: short })).toMatchObject({ type: 'refused' });
  });

  it('accepts a short password for an account that was imported with it', () => {
    expect(readOptions({ ...NONE, passwordFile: passwordFile('short') })).toMatchObject({
      type: 'given',
      given: { password: 'short' },
    });
  });

  it('warns when others can read the password', () => {
    expect(readOptions({ ...NONE, passwordFile: passwordFile('a long secret', 0o644) })).toMatchObject({
      type: 'given',
      warning: expect.stringContaining('chmod 600'),
    });
  });

  it.each([
    [{ passwordFile: passwordFile('') }, 'no password in its first line'],
    [{ passwordFile: passwordFile('\nsecond line') }, 'no password in its first line'],
    [{ register: true, passwordFile: passwordFile('short') }, '8 to 256 bytes'],
    [{ passwordFile: passwordFile('x'.repeat(300)) }, '1 to 256 bytes'],
    [{ passwordFile: passwordFile('\ufeff') }, 'no password in its first line'],
    [{ passwordFile: passwordFile(Buffer.from('\ufeffa long secret', 'utf16le')) }, 'not UTF-8 text'],
    [{ passwordFile: passwordFile(Buffer.from('a l\xf6ng secret', 'latin1')) }, 'not UTF-8 text'],
    [{ passwordFile: join(folder, 'nothing') }, 'cannot read'],
    [{ passwordFile: folder }, 'cannot read'],
    [{ user: '0x' }, '--user 0x'],
    [{ address: 'host:0' }, 'not a port'],
    [{ guest: true, register: true }, 'cannot be combined'],
    [{ guest: true, passwordFile: 'any' }, 'cannot be combined'],
  ])('refuses %j', (options, text) => {
    expect(readOptions({ ...NONE, ...options })).toEqual({
      type: 'refused',
      text: expect.stringContaining(text),
    });
  });

  it('names what a script is missing', () => {
    const read = readOptions(NONE);
    const missing = read.type === 'given' ? missingForScript(read.given) : '';
    for (const name of ['HOST', '--display', '--user', '--password-file']) expect(missing).toContain(name);
    const guest = readOptions({ ...NONE, address: 'h', display: 'd', user: 'bob', guest: true });
    expect(guest.type === 'given' && missingForScript(guest.given)).toBeUndefined();
  });
});

describe('displayFile', () => {
  it('ends in .html', () => {
    expect(['a', 'a.html', 'b.HTM', 'a.txt'].map(displayFile)).toEqual([
      'a.html',
      'a.html',
      'b.HTM',
      'a.txt.html',
    ]);
  });
});
