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
 * That is the form in which records are written. People edit the file, too: fields may be separated by any blanks and tabs,
 * and a line may end in blanks, tabs and a carriage return (`readEdited`).
 *
 * A million lines are read at every start, so lines are checked as bytes, without an allocation for each.
 */

import type { Account } from '../accounts.ts';

/** The first line of the file, with its newline. */
export const FIRST_LINE = '# parley users 1\n';

/** Longest record, without its newline: the longest name and time, and hashes far above any in use. */
export const RECORD_BYTES_MAX = 512;

/** What is wrong with a line that is not a record; reads on from "line 7: ". Never quotes the line. */
const FAULTS = {
  blank: 'it is blank',
  long: `it is longer than ${RECORD_BYTES_MAX} bytes`,
  name: 'it does not begin with a user name and a blank',
  time: 'it does not end with a blank and a time like 2026-11-22T06:15:38Z',
  hash: 'its second part is neither "-" nor an argon2 hash in PHC form',
  cost: 'the parameters of its hash are out of range: m is 8 × p to 2097152, t at least 1, m × t at most 8388608, p 1 to 255',
  clear: 'it looks like a name and a password in clear',
} as const;

export type RecordFault = keyof typeof FAULTS;

export function describeFault(fault: RecordFault): string {
  return FAULTS[fault];
}

const BLANK = 0x20;
const DASH = 0x2d;
const DOLLAR = 0x24;

const NAME_BYTES_MAX = 32;
const TIME_FORM = '0000-00-00T00:00:00Z';

/** Parameters of the hashes that this server makes. Others are fine, and take the slower way. */
const USUAL_PARAMETERS = Buffer.from('$argon2id$v=19$m=19456,t=2,p=1$');
const PARAMETERS = /^\$argon2(?:id|i|d)\$v=\d{1,2}\$m=(\d{1,10}),t=(\d{1,10}),p=(\d{1,8})\$$/;
/**
 * What one check of a password may cost, so that a single record cannot keep the hash threads from everybody else's: 2 GiB, the most
 * that RFC 9106 recommends, and a few seconds (memory × passes; libsodium's "sensitive" has half of that).
 */
const MEMORY_KIB_MAX = 2 * 1_024 * 1_024;
const WORK_MAX = 8 * 1_024 * 1_024;
const LANES_MAX = 255;

/** A name and, in place of a hash or `-`, some other text. */
const CLEAR = /^[A-Za-z][A-Za-z0-9_.-]{0,31} (?![-$])[ -~\u0080-\u00ff]+$/;

/** What comes behind the blank after a name in a record that this server writes, all of it of fixed width. */
const USUAL_END = `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)} 2011-11-11T11:11:11Z`;
const USUAL_RECORD =
  /^[A-Za-z][A-Za-z0-9_.-]{0,31} \$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43} [^ ]{20}$/;

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

/** Bytes that are enough for the first line as people may leave it. */
export const HEAD_BYTES = 64;
const BOM = '\u00ef\u00bb\u00bf';
const HEAD = new RegExp(`^(?:${BOM})?${FIRST_LINE.trimEnd()}[ \\t]*\\r?\\n`);

/**
 * Which form a file has, from its first `HEAD_BYTES`. `records`: they begin at `start`; `isTidy` if the first line is as it would
 * be written. `empty`: there is at most a part of the first line, from a crash while the file was created.
 */
export type UsersForm =
  | { readonly type: 'records'; readonly start: number; readonly isTidy: boolean }
  | { readonly type: 'empty' | 'old' };

export function formOf(head: Buffer): UsersForm {
  const text = head.toString('latin1');
  const [line] = HEAD.exec(text) ?? [];
  if (line !== undefined) return { type: 'records', start: line.length, isTidy: line === FIRST_LINE };
  const isPart = FIRST_LINE.startsWith(text.startsWith(BOM) ? text.slice(BOM.length) : text);
  return { type: isPart ? 'empty' : 'old' };
}

/** What keeps `bytes` from `start` to `end` (without newline) from being a record; undefined if it is one. */
export function recordFault(bytes: Buffer, start: number, end: number): RecordFault | undefined {
  if (end - start > RECORD_BYTES_MAX) return 'long';

  const nameEnd = skip(bytes, start, end, NAME);
  const isName = nameEnd - start <= NAME_BYTES_MAX && is(bytes[start], LETTER);
  if (!isName || nameEnd === end || bytes[nameEnd] !== BLANK) {
    return 'name';
  }

  const hashStart = nameEnd + 1;
  const hashEnd = end - TIME_FORM.length - 1;
  if (hashEnd < hashStart || bytes[hashEnd] !== BLANK || !isTime(bytes, hashEnd + 1)) {
    return 'time';
  }

  const isRemoval = hashEnd === hashStart + 1 && bytes[hashStart] === DASH;
  return isRemoval ? undefined : hashFault(bytes, hashStart, hashEnd);
}

/** The record in a line that was edited by hand, in the form in which it would be written; undefined if it is none. */
export function readEdited(bytes: Buffer, start: number, end: number): string | undefined {
  const tidied = tidy(bytes, start, end);
  return tidied !== undefined && faultOf(tidied) === undefined ? tidied : undefined;
}

/** What is wrong with a line that `readEdited` cannot read. */
export function lineFault(bytes: Buffer, start: number, end: number): RecordFault {
  const tidied = tidy(bytes, start, end);
  if (tidied === undefined) return 'long';
  if (tidied === '') return 'blank';
  const fault = faultOf(tidied) ?? 'name';
  return fault === 'time' && CLEAR.test(tidied) ? 'clear' : fault;
}

/**
 * True if these bytes, behind which the file ends, are what an append of this server left that did not get to its end: the beginning of a
 * record in the form in which this server writes records, perhaps with zeros in the place of what the disk did not write. A
 * removal is never among them: people write it, and half of one must not leave the account open.
 */
export function isTornRecord(bytes: Buffer): boolean {
  const zero = bytes.indexOf(0);
  const written = zero === -1 ? bytes : bytes.subarray(0, zero);
  if (zero !== -1 && bytes.subarray(zero).some((byte) => byte !== 0)) return false;
  if (written.length > RECORD_BYTES_MAX) return false;
  const text = written.toString('latin1');
  const nameEnd = text.indexOf(' ');
  if (nameEnd === -1) return text === '' || isName(text);
  // What is there of it, completed, must be a record.
  const completed = text + USUAL_END.slice(text.length - nameEnd - 1);
  return USUAL_RECORD.test(completed) && faultOf(completed) === undefined;
}

/** What a record says. `hash: null`: the account is removed, which people write and the server never does. */
export interface UserRecord {
  readonly name: string;
  readonly hash: string | null;
  readonly at: Date;
}

/** The line of a record, with its newline. Throws `RangeError` if it could not be read back. */
export function formatRecord({ name, hash, at }: UserRecord): string {
  const line = `${name} ${hash ?? '-'} ${at.toISOString().slice(0, 19)}Z`;
  const bytes = Buffer.from(line);
  const fault = recordFault(bytes, 0, bytes.length);
  if (fault !== undefined) throw new RangeError(`a line for users.txt would be wrong: ${FAULTS[fault]}`);
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

/** Without what people put around the fields. Undefined if it is far too long. */
function tidy(bytes: Buffer, start: number, end: number): string | undefined {
  if (end - start > 8 * RECORD_BYTES_MAX) return undefined;
  return bytes
    .toString('latin1', start, end)
    .replace(/[ \t\r]+$/, '')
    .replace(/[ \t]+/g, ' ');
}

function faultOf(line: string): RecordFault | undefined {
  return recordFault(Buffer.from(line, 'latin1'), 0, line.length);
}

function isName(text: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_.-]{0,31}$/.test(text);
}

/** `$argon2id$v=19$m=19456,t=2,p=1$` salt `$` output, found from the end. */
function hashFault(bytes: Buffer, start: number, end: number): RecordFault | undefined {
  const outputStart = skipBack(bytes, start, end, BASE64);
  if (end - outputStart < OUTPUT_LENGTH_MIN || bytes[outputStart - 1] !== DOLLAR) return 'hash';
  const saltEnd = outputStart - 1;
  const saltStart = skipBack(bytes, start, saltEnd, BASE64);
  if (saltEnd - saltStart < SALT_LENGTH_MIN) return 'hash';
  if (isUsual(bytes, start, saltStart)) return undefined;
  const parameters = PARAMETERS.exec(bytes.toString('latin1', start, saltStart));
  if (parameters === null) return 'hash';
  const [m = 0, t = 0, p = 0] = parameters.slice(1).map(Number);
  const isInRange =
    t >= 1 && p >= 1 && p <= LANES_MAX && m >= 8 * p && m <= MEMORY_KIB_MAX && m * t <= WORK_MAX;
  return isInRange ? undefined : 'cost';
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
