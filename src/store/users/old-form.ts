/**
 * The old form of `users.txt`: `name password` in clear, one a line. The name ends at the first blank, or at tabs; the rest
 * of the line is the password, as it is, blanks inside it included. Blank lines are ignored; tabs, a carriage return or
 * the lack of a newline at the end of a line, and a byte order mark in front, do not matter. `name - 2026-11-22T06:15:38Z`
 * takes out an account that an earlier line has.
 *
 * What cannot be understood for certain refuses the whole file, so that nobody is locked out or let in by a guess:
 * that includes a name that occurs twice, in any case, for it is not known which of its passwords was in use, or
 * whether `Bob` and `bob` were two people.
 */

import { foldName, isUserName, USER_RULE } from '../../chat/names.ts';
import { normalizePassword } from '../../common/password.ts';
import { LIMITS } from '../../protocol/vocabulary.ts';
import type { OpenFile } from '../files/file-system.ts';
import { readBlocks } from './load.ts';
import { FIRST_LINE, formatRecord, isRemoval, nameOf, readEdited } from './record.ts';

/** Hashes in flight: keeps a pool of any size busy and fits into its queue. */
const HASHES_AT_ONCE = 8;

const NEWLINE = 0x0a;
const HEADER = `"${FIRST_LINE.trimEnd()}"`;
const NOT_OLD = `it is a record of the form with hashes, but the file does not begin with ${HEADER}: put that line back`;
// It also drops the byte order mark that an editor may have put in front.
const utf8 = new TextDecoder('utf-8', { fatal: true });

export interface OldAccount {
  readonly name: string;
  readonly password: string;
}

/** `fault` reads on from "line 7: "; it never quotes the line. */
export type OldForm =
  | { readonly type: 'read'; readonly accounts: readonly OldAccount[] }
  | { readonly type: 'unclear'; readonly line: number; readonly fault: string };

export async function readOldForm(file: OpenFile): Promise<OldForm> {
  const accounts = new Map<string, OldAccount & { readonly line: number }>();
  let line = 0;

  for await (const block of readBlocks(file, 0)) {
    let start = 0;
    while (start < block.length) {
      const newline = block.indexOf(NEWLINE, start);
      const end = newline === -1 ? block.length : newline;
      const parsed = parseOldLine(block.subarray(start, end));
      line++;
      start = end + 1;
      if (parsed.type === 'blank') continue;
      if (parsed.type === 'unclear') return { type: 'unclear', line, fault: parsed.fault };
      const key = foldName(parsed.name);
      const earlier = accounts.get(key)?.line;
      if (parsed.type === 'removal') {
        if (!accounts.delete(key)) return { type: 'unclear', line, fault: NOT_OLD };
      } else if (earlier !== undefined) {
        const fault = `it has the same name as line ${earlier} (case does not count)`;
        return { type: 'unclear', line, fault };
      } else {
        accounts.set(key, { name: parsed.name, password: parsed.password, line });
      }
    }
  }
  return { type: 'read', accounts: [...accounts.values()] };
}

type OldLine =
  | ({ readonly type: 'account' } & OldAccount)
  | { readonly type: 'removal'; readonly name: string }
  | { readonly type: 'blank' }
  | { readonly type: 'unclear'; readonly fault: string };

/** What one line, without its newline, says. */
export function parseOldLine(bytes: Buffer): OldLine {
  const record = readEdited(bytes, 0, bytes.length);
  if (record !== undefined) {
    return isRemoval(record) ? { type: 'removal', name: nameOf(record) } : unclear(NOT_OLD);
  }
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return unclear('it is not text in UTF-8');
  }
  text = text.replace(/[\t\r]+$/, '');
  if (text.trim() === '') return { type: 'blank' };
  if (text.startsWith('#')) {
    return unclear(`it begins with "#", and the file does not begin with ${HEADER} and a line feed`);
  }

  const separator = /\t+| /.exec(text);
  const name = separator === null ? text : text.slice(0, separator.index);
  const password = separator === null ? '' : text.slice(separator.index + separator[0].length);
  if (!isUserName(name)) return unclear(`it does not begin with a user name and one blank: ${USER_RULE}`);
  if (password === '') return unclear('there is no password behind the name');
  if (password !== password.trim()) {
    return unclear('there is white space before or behind the password, which may or may not be part of it');
  }
  if (/\p{Cc}/u.test(password)) return unclear('there is a control character in the password');
  if (password.startsWith('$argon2')) return unclear('the password looks like a hash');
  if (/^-(\s|$)/.test(password)) {
    return unclear('it looks like a removal, which is written as "NAME - 2026-11-22T06:15:38Z"');
  }
  if (Buffer.byteLength(normalizePassword(password)) > LIMITS.passwordMax) {
    return unclear(`the password is longer than ${LIMITS.passwordMax} bytes`);
  }
  return { type: 'account', name, password };
}

function unclear(fault: string): OldLine {
  return { type: 'unclear', fault };
}

/** The texts of the file that takes the place of one in the old form. */
export async function hashOldForm(
  accounts: readonly OldAccount[],
  hash: (password: string) => Promise<string>,
  at: Date,
): Promise<string[]> {
  const texts = [FIRST_LINE];
  for (let next = 0; next < accounts.length; next += HASHES_AT_ONCE) {
    const group = accounts.slice(next, next + HASHES_AT_ONCE);
    texts.push(
      ...(await Promise.all(
        group.map(async ({ name, password }) => formatRecord({ name, hash: await hash(password), at })),
      )),
    );
  }
  return texts;
}
