/**
 * Text made safe for where it stands: text and attributes of HTML, and string literals of a script.
 *
 * Control characters (C0 without tab and newline, DEL, C1) have no meaning on a page and are left out. Lone
 * surrogates cannot be written as UTF-8 and become U+FFFD.
 */

import { printable } from './printable.ts';

const CONTROL = /(?![\t\n])\p{Cc}/gu;
const MARKUP = /[&<>"']/g;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text that keeps its line breaks: for an element that is a block of its own, which no bidi control can leave. */
export function cleanBlock(text: string): string {
  return text.toWellFormed().replace(CONTROL, '');
}

/**
 * Text for a place within a line, such as a name: one line, and without bidi controls, because an unmatched
 * U+2069 would end even the isolation of a `<bdi>`.
 */
export function cleanLine(text: string): string {
  return printable(text.toWellFormed());
}

/** For the content of an element and for an attribute between quotes. */
export function escapeHtml(text: string): string {
  return text.replace(MARKUP, (character) => ENTITIES[character] ?? '');
}

/** A value as a literal of a script, which neither `</script>` nor a line separator can end. */
export function scriptLiteral(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll('<', '\\u003c')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
}
