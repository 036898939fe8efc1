/**
 * The rules for user names and room names.
 *
 * A user name has 1 to 32 characters: a letter, then letters, digits, `_`, `.` or `-`. A room name is `#` and 1 to 63
 * characters by the same rule. Names that differ only in case are the same name.
 */

const USER = /^[A-Za-z][A-Za-z0-9_.-]{0,31}$/;
const ROOM = /^#[A-Za-z][A-Za-z0-9_.-]{0,62}$/;

export const USER_RULE = 'a name is 1 to 32 characters: a letter, then letters, digits, "_", "." or "-"';
export const ROOM_RULE =
  'a room is "#" and a letter, then letters, digits, "_", "." or "-", at most 64 characters';

export function isUserName(value: unknown): value is string {
  return typeof value === 'string' && USER.test(value);
}

export function isRoomName(value: unknown): value is string {
  return typeof value === 'string' && ROOM.test(value);
}

/** Converts a name to the form used for look-ups, which is equal for names that differ only in case. Names are ASCII. */
export function foldName(name: string): string {
  return name.toLowerCase();
}
