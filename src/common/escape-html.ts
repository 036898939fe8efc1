/**
 * Makes text safe for its context: HTML text and attributes, and string literals in a script.
 *
 * Control characters (C0 except tab and newline, DEL, C1) mean nothing on a page and are removed. Lone surrogates
 * cannot be written as UTF-8 and become U+FFFD.
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

/** Keeps line breaks. For text in a block element of its own, whose boundary no bidi control can cross. */
export function cleanBlock(text: string): string {
  return text.toWellFormed().replace(CONTROL, '');
}

/**
 * For text within a line, such as a name: one line, and without bidi controls, because an unmatched U+2069 would end
 * even the isolation of a `<bdi>`.
 */
export function cleanLine(text: string): string {
  return printable(text.toWellFormed());
}

/** For the content of an element, and for a quoted attribute value. */
export function escapeHtml(text: string): string {
  return text.replace(MARKUP, (character) => ENTITIES[character] ?? '');
}

/** A value as a script literal, which neither `</script>` nor a line separator can end. */
export function scriptLiteral(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll('<', '\\u003c')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
}
