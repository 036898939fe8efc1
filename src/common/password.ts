/**
 * The form of a password that is hashed and measured: the OpaqueString profile of RFC 8265, section 4.2. The same
 * characters count as the same password, however a keyboard or system encodes them: every space character becomes an
 * ASCII space, and accented letters are composed (NFC). Nothing else changes.
 */
export function normalizePassword(password: string): string {
  return /^[\0-\x7f]*$/.test(password) ? password : password.replace(/\p{Zs}/gu, ' ').normalize('NFC');
}
