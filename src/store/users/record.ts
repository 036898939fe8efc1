/**
 * The format of `users.txt`: the first line, then one record per line, each ended by a newline:
 *
 *     # parley users 1
 *     alice $argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNo 2026-11-22T06:15:38Z
 *     bob - 2026-11-22T07:00:00Z
 *
 * A record is a name, a space, a password hash or `-` (the account is removed), a space, and a time. The time has a
 * fixed width and ends in `Z`, so a record cut anywhere before its newline is not a record.
 *
 * That is the form in which records are written. People also edit the file: fields may be separated by any number of
 * spaces and tabs, and a line may end in spaces, tabs and a carriage return (`readEdited`).
 *
 * A start may read a million lines, so lines are checked as bytes, without allocating anything per line.
 */

import type { Account } from '../accounts.ts';

/** The first line of the file, with its newline. */
export const FIRST_LINE = '# parley users 1\n';

/** Longest record, without its newline: the longest name and time, and room for hashes much longer than any in use. */
export const RECORD_BYTES_MAX = 512;

/** What is wrong with a line that is not a record; continues "line 7: ". Never quotes the line. */
const FAULTS = {
  blank: 'it is blank',
  long: `it is longer than ${RECORD_BYTES_MAX} bytes`,
  name: 'it does not start with a user name and a space',
  time: 'it does not end with a space and a time like 2026-11-22T06:15:38Z',
  hash: 'its second field is neither "-" nor an argon2 hash in PHC form',
  cost: 'the parameters of its hash are out of range: m is 8 × p to 2097152, t at least 1, m × t at most 8388608, p 1 to 255',
  clear: 'it looks like a name and a plain-text password',
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

/** Parameters of the hashes that this server creates. Others are valid, but take a slower path. */
const USUAL_PARAMETERS = Buffer.from('$argon2id$v=19$m=19456,t=2,p=1$');
const PARAMETERS = /^\$argon2(?:id|i|d)\$v=\d{1,2}\$m=(\d{1,10}),t=(\d{1,10}),p=(\d{1,8})\$$/;
/**
 * The maximum cost of one password check, so that a single record cannot monopolize the hash threads: 2 GiB, the most
 * that RFC 9106 recommends, and a few seconds (memory × passes; libsodium's "sensitive" uses half of that).
 */
const MEMORY_KIB_MAX = 2 * 1_024 * 1_024;
const WORK_MAX = 8 * 1_024 * 1_024;
const LANES_MAX = 255;

/** A name followed by text that is neither a hash nor `-`. */
const CLEAR = /^[A-Za-z][A-Za-z0-9_.-]{0,31} (?![-$])[ -~\u0080-\u00ff]+$/;

/** What follows the space after the name in a record that this server writes, all of fixed width. */
const USUAL_END = `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)} 2011-11-11T11:11:11Z`;
const USUAL_RECORD =
  /^[A-Za-z][A-Za-z0-9_.-]{0,31} \$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43} [^ ]{20}$/;

/** Base64 lengths of the shortest salt (8 bytes) and output (4 bytes) in the argon2 RFC (9106, section 3.1). */
const SALT_LENGTH_MIN = 11;
const OUTPUT_LENGTH_MIN = 6;

const LETTER = 1;
const DIGIT = 2;
const NAME = 4;
const BASE64 = 8;

/** For each byte, the alphabets it belongs to. */
const ALPHABETS = new Uint8Array(256);
for (let byte = 0; byte < 128; byte++) {
  const character = String.fromCharCode(byte);
  if (/[A-Za-z]/.test(character)) ALPHABETS[byte] = LETTER | NAME | BASE64;
  if (/[0-9]/.test(character)) ALPHABETS[byte] = DIGIT | NAME | BASE64;
  if (/[_.-]/.test(character)) ALPHABETS[byte] = NAME;
  if (/[+/]/.test(character)) ALPHABETS[byte] = BASE64;
}

/** Enough bytes for the first line, including hand-made changes. */
export const HEAD_BYTES = 64;
const BOM = '\u00ef\u00bb\u00bf';
const HEAD = new RegExp(`^(?:${BOM})?${FIRST_LINE.trimEnd()}[ \\t]*\\r?\\n`);

/**
 * Determines the format of a file from its first `HEAD_BYTES`. `records`: the records begin at `start`; `isTidy` if the
 * first line is as it would be written. `empty`: at most a part of the first line, left by a crash while the file was
 * created.
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

/** Why `bytes` from `start` to `end` (without newline) are not a record; undefined if they are. */
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

/** The record in a hand-edited line, in the form in which it would be written; undefined if it is not a record. */
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
 * True if these bytes at the end of the file are an incomplete append by this server: the beginning of a record in the
 * form in which this server writes records, possibly with zeros where the disk did not write. Never a removal: only
 * people write those, and half of one must not leave the account usable.
 */
export function isTornRecord(bytes: Buffer): boolean {
  const zero = bytes.indexOf(0);
  const written = zero === -1 ? bytes : bytes.subarray(0, zero);
  if (zero !== -1 && bytes.subarray(zero).some((byte) => byte !== 0)) return false;
  if (written.length > RECORD_BYTES_MAX) return false;
  const text = written.toString('latin1');
  const nameEnd = text.indexOf(' ');
  if (nameEnd === -1) return text === '' || isName(text);
  // The existing part, completed, must be a record.
  const completed = text + USUAL_END.slice(text.length - nameEnd - 1);
  return USUAL_RECORD.test(completed) && faultOf(completed) === undefined;
}

/** A parsed record. `hash: null`: the account is removed; only people write this, never the server. */
export interface UserRecord {
  readonly name: string;
  readonly hash: string | null;
  readonly at: Date;
}

/** Formats a record as a line with its newline. Throws `RangeError` if it could not be read back. */
export function formatRecord({ name, hash, at }: UserRecord): string {
  const line = `${name} ${hash ?? '-'} ${at.toISOString().slice(0, 19)}Z`;
  const bytes = Buffer.from(line);
  const fault = recordFault(bytes, 0, bytes.length);
  if (fault !== undefined) throw new RangeError(`invalid line for users.txt: ${FAULTS[fault]}`);
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

/** The account in a valid line, without its newline, that is not a removal. */
export function accountOf(line: string): Account {
  const hashStart = line.indexOf(' ') + 1;
  const hashEnd = line.indexOf(' ', hashStart);
  return {
    name: line.slice(0, hashStart - 1),
    hash: line.slice(hashStart, hashEnd),
    since: line.slice(hashEnd + 1),
  };
}

/** Normalizes the white space between and after the fields. Undefined if the line is far too long. */
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

/** Checks `$argon2id$v=19$m=19456,t=2,p=1$` salt `$` output, from the end. */
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

/** Checks the 20 bytes from `start` on. The day is not checked against the length of its month. */
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

/** The first offset from `start` whose byte is not in the alphabet, or `end`. */
function skip(bytes: Buffer, start: number, end: number, alphabet: number): number {
  let at = start;
  while (at < end && is(bytes[at], alphabet)) at++;
  return at;
}

/** The lowest offset, but at least `start`, such that all bytes from it to `end` are in the alphabet. */
function skipBack(bytes: Buffer, start: number, end: number, alphabet: number): number {
  let at = end;
  while (at > start && is(bytes[at - 1], alphabet)) at--;
  return at;
}
