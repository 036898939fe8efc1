/** Removes the byte order mark (U+FEFF) that some editors and PowerShell put at the start of a file or pipe. */
export function withoutByteOrderMark(text: string): string {
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}
