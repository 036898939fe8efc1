/** Some editors, and PowerShell, put a byte order mark (U+FEFF) in front of the text of a file or pipe. It is not part of the text. */
export function withoutByteOrderMark(text: string): string {
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}
