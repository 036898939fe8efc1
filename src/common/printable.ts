/** Makes untrusted text safe for a terminal: it can neither move the cursor nor forge a line. */

const BREAK = /[\t\n\u2028\u2029]/g;
const HIDDEN = /\p{Cc}|\p{Bidi_Control}/gu;

/** One line without control characters (C0, DEL, C1) and without characters that change the text direction. */
export function printable(text: string): string {
  return text.replace(BREAK, ' ').replace(HIDDEN, '');
}

/** The first `limit` characters of a line; the last becomes an ellipsis if the line is longer. */
export function shorten(text: string, limit: number): string {
  const characters = [...text];
  return characters.length <= limit ? text : `${characters.slice(0, limit - 1).join('')}…`;
}
