/**
 * A password as it is hashed and measured: in the form that RFC 8265 (OpaqueString, section 4.2) gives it, so that the same
 * characters count as the same password however a keyboard or system spells them: blanks of all kinds are the ASCII
 * blank, and letters with marks are composed (NFC). Nothing else is changed.
 */
export function normalizePassword(password: string): string {
  return /^[\0-\x7f]*$/.test(password) ? password : password.replace(/\p{Zs}/gu, ' ').normalize('NFC');
}
