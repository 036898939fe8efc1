/**
 * The old format of `users.txt`: `name password` in plain text, one per line. The name ends at the first space or at
 * tabs; the rest of the line is the password, including spaces within it. Blank lines are ignored, and so are tabs, a
 * carriage return or a missing newline at the end of a line, and a leading byte order mark. `name -
 * 2026-11-22T06:15:38Z` removes an account from an earlier line.
 *
 * Anything ambiguous rejects the whole file, so that nobody is locked out or let in by a guess. This includes a name
 * that occurs twice, ignoring case: it is unknown which password was in use, or whether `Bob` and `bob` were two
 * people.
 */

import { foldName, isUserName, USER_RULE } from '../../chat/names.ts';
import { normalizePassword } from '../../common/password.ts';
import { LIMITS } from '../../protocol/vocabulary.ts';
import type { OpenFile } from '../files/file-system.ts';
import { readBlocks } from './load.ts';
import { FIRST_LINE, formatRecord, isRemoval, nameOf, readEdited } from './record.ts';

/** Number of hashes in progress: enough to keep a pool of any size busy, and few enough to fit into its queue. */
const MAX_CONCURRENT_HASHES = 8;

const NEWLINE = 0x0a;
const HEADER = `"${FIRST_LINE.trimEnd()}"`;
const NOT_OLD = `it is a record with a hash, but the file does not start with ${HEADER}; restore that line`;
// It also removes a byte order mark that an editor may have added.
const utf8 = new TextDecoder('utf-8', { fatal: true });

export interface OldAccount {
  readonly name: string;
  readonly password: string;
}

/** `fault` continues "line 7: "; it never quotes the line. */
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

/** Parses one line without its newline. */
export function parseOldLine(bytes: Buffer): OldLine {
  const record = readEdited(bytes, 0, bytes.length);
  if (record !== undefined) {
    return isRemoval(record) ? { type: 'removal', name: nameOf(record) } : unclear(NOT_OLD);
  }
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return unclear('it is not UTF-8 text');
  }
  text = text.replace(/[\t\r]+$/, '');
  if (text.trim() === '') return { type: 'blank' };
  if (text.startsWith('#')) {
    return unclear(`it starts with "#", but the file does not start with ${HEADER} and a line feed`);
  }

  const separator = /\t+| /.exec(text);
  const name = separator === null ? text : text.slice(0, separator.index);
  const password = separator === null ? '' : text.slice(separator.index + separator[0].length);
  if (!isUserName(name)) return unclear(`it does not start with a user name and one space: ${USER_RULE}`);
  if (password === '') return unclear('there is no password after the name');
  if (password !== password.trim()) {
    return unclear('there is white space before or after the password, which may or may not be part of it');
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

/** The content of the file that replaces one in the old format. */
export async function hashOldForm(
  accounts: readonly OldAccount[],
  hash: (password: string) => Promise<string>,
  at: Date,
): Promise<string[]> {
  const texts = [FIRST_LINE];
  for (let next = 0; next < accounts.length; next += MAX_CONCURRENT_HASHES) {
    const group = accounts.slice(next, next + MAX_CONCURRENT_HASHES);
    texts.push(
      ...(await Promise.all(
        group.map(async ({ name, password }) => formatRecord({ name, hash: await hash(password), at })),
      )),
    );
  }
  return texts;
}
