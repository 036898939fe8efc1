/**
 * The lines of `users.txt`: the first line, then one record a line, each ended by a newline:
 *
 *     # parley users 1
 *     alice $argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNo 2026-11-22T06:15:38Z
 *     bob - 2026-11-22T07:00:00Z
 *
 * A record is a name, one blank, a password hash or `-` (the account is removed), one blank, and a time. The
 * time has a fixed width and ends in `Z`: a record cut anywhere before its newline is not a record.
 *
 * A million lines are read at every start, so lines are checked as bytes, without an allocation for each.
 */

import type { Account, AccountChange } from './accounts.ts';

/** The first line of the file, with its newline. */
export const FIRST_LINE = '# parley users 1\n';

/** Longest record, without its newline: the longest name and time, and hashes far above any in use. */
export const RECORD_BYTES_MAX = 512;

/** What is wrong with a line that is not a record; reads on from "line 7: ". Never quotes the line. */
export type RecordFault =
  | 'it is longer than 512 bytes'
  | 'it does not begin with a user name and one blank'
  | 'it does not end with one blank and a time like 2026-11-22T06:15:38Z'
  | 'its second part is neither "-" nor an argon2 hash in PHC form';

const BLANK = 0x20;
const DASH = 0x2d;
const DOLLAR = 0x24;

const NAME_BYTES_MAX = 32;
const TIME_FORM = '0000-00-00T00:00:00Z';

/** Parameters of the hashes that this server makes. Others are fine, and take the slower way. */
const USUAL_PARAMETERS = Buffer.from('$argon2id$v=19$m=19456,t=2,p=1$');
const PARAMETERS = /^\$argon2(?:id|i|d)\$v=\d{1,2}\$m=\d{1,10},t=\d{1,10},p=\d{1,8}\$$/;

/** Base64 sizes of the shortest salt (8 bytes) and output (4 bytes) in the argon2 RFC (9106, section 3.1). */
const SALT_LENGTH_MIN = 11;
const OUTPUT_LENGTH_MIN = 6;

const LETTER = 1;
const DIGIT = 2;
const NAME = 4;
const BASE64 = 8;

/** For each byte, the alphabets that it belongs to. */
const ALPHABETS = new Uint8Array(256);
for (let byte = 0; byte < 128; byte++) {
  const character = String.fromCharCode(byte);
  if (/[A-Za-z]/.test(character)) ALPHABETS[byte] = LETTER | NAME | BASE64;
  if (/[0-9]/.test(character)) ALPHABETS[byte] = DIGIT | NAME | BASE64;
  if (/[_.-]/.test(character)) ALPHABETS[byte] = NAME;
  if (/[+/]/.test(character)) ALPHABETS[byte] = BASE64;
}

/** What keeps `bytes` from `start` to `end` (without newline) from being a record; undefined if it is one. */
export function recordFault(bytes: Buffer, start: number, end: number): RecordFault | undefined {
  if (end - start > RECORD_BYTES_MAX) return 'it is longer than 512 bytes';

  const nameEnd = skip(bytes, start, end, NAME);
  const isName = nameEnd - start <= NAME_BYTES_MAX && is(bytes[start], LETTER);
  if (!isName || nameEnd === end || bytes[nameEnd] !== BLANK) {
    return 'it does not begin with a user name and one blank';
  }

  const hashStart = nameEnd + 1;
  const hashEnd = end - TIME_FORM.length - 1;
  if (hashEnd < hashStart || bytes[hashEnd] !== BLANK || !isTime(bytes, hashEnd + 1)) {
    return 'it does not end with one blank and a time like 2026-11-22T06:15:38Z';
  }

  const isRemoval = hashEnd === hashStart + 1 && bytes[hashStart] === DASH;
  if (!isRemoval && !isHash(bytes, hashStart, hashEnd)) {
    return 'its second part is neither "-" nor an argon2 hash in PHC form';
  }
  return undefined;
}

/** The line of a change, with its newline. Throws `RangeError` if it could not be read back. */
export function formatRecord({ name, hash, at }: AccountChange): string {
  const line = `${name} ${hash ?? '-'} ${at.toISOString().slice(0, 19)}Z`;
  const bytes = Buffer.from(line);
  const fault = recordFault(bytes, 0, bytes.length);
  if (fault !== undefined) throw new RangeError(`a line for users.txt would be wrong: ${fault}`);
  return `${line}\n`;
}

/** The name in a valid line. */
export function nameOf(line: string): string {
  return line.slice(0, line.indexOf(' '));
}

/** True if a valid line removes its account. */
export function isRemoval(line: string): boolean {
  return line.startsWith('- ', line.indexOf(' ') + 1);
}

/** The account in a valid line that is not a removal, without its newline. */
export function accountOf(line: string): Account {
  const hashStart = line.indexOf(' ') + 1;
  const hashEnd = line.indexOf(' ', hashStart);
  return {
    name: line.slice(0, hashStart - 1),
    hash: line.slice(hashStart, hashEnd),
    since: line.slice(hashEnd + 1),
  };
}

/** `$argon2id$v=19$m=19456,t=2,p=1$` salt `$` output, found from the end. */
function isHash(bytes: Buffer, start: number, end: number): boolean {
  const outputStart = skipBack(bytes, start, end, BASE64);
  if (end - outputStart < OUTPUT_LENGTH_MIN || bytes[outputStart - 1] !== DOLLAR) return false;
  const saltEnd = outputStart - 1;
  const saltStart = skipBack(bytes, start, saltEnd, BASE64);
  if (saltEnd - saltStart < SALT_LENGTH_MIN) return false;
  return isUsual(bytes, start, saltStart) || PARAMETERS.test(bytes.toString('latin1', start, saltStart));
}

function isUsual(bytes: Buffer, start: number, end: number): boolean {
  if (end - start !== USUAL_PARAMETERS.length) return false;
  let at = 0;
  while (at < USUAL_PARAMETERS.length && bytes[start + at] === USUAL_PARAMETERS[at]) at++;
  return at === USUAL_PARAMETERS.length;
}

/** The 20 bytes from `start` on. The day is not compared with the length of its month. */
function isTime(bytes: Buffer, start: number): boolean {
  for (let at = 0; at < TIME_FORM.length; at++) {
    const form = TIME_FORM.charCodeAt(at);
    const byte = bytes[start + at];
    if (is(form, DIGIT) ? !is(byte, DIGIT) : byte !== form) return false;
  }
  const month = twoDigits(bytes, start + 5);
  const day = twoDigits(bytes, start + 8);
  return (
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= 31 &&
    twoDigits(bytes, start + 11) < 24 &&
    twoDigits(bytes, start + 14) < 60 &&
    twoDigits(bytes, start + 17) < 60
  );
}

function twoDigits(bytes: Buffer, start: number): number {
  return ((bytes[start] ?? 0) - 0x30) * 10 + (bytes[start + 1] ?? 0) - 0x30;
}

function is(byte: number | undefined, alphabet: number): boolean {
  return byte !== undefined && ((ALPHABETS[byte] ?? 0) & alphabet) !== 0;
}

/** The first offset from `start` on whose byte is not in the alphabet, or `end`. */
function skip(bytes: Buffer, start: number, end: number, alphabet: number): number {
  let at = start;
  while (at < end && is(bytes[at], alphabet)) at++;
  return at;
}

/** The lowest offset such that all bytes from it to `end` are in the alphabet; `start` at the lowest. */
function skipBack(bytes: Buffer, start: number, end: number, alphabet: number): number {
  let at = end;
  while (at > start && is(bytes[at - 1], alphabet)) at--;
  return at;
}
