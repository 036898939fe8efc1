/** Lines of a stream, read only on demand, so that a script's input waits in its pipe rather than in memory. */

import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { withoutByteOrderMark } from '../../common/byte-order-mark.ts';

export type InputLine =
  | { readonly type: 'line'; readonly text: string }
  /** A line of more than `limit` characters. Its text is discarded. */
  | { readonly type: 'too_long' };

/**
 * Lines end in LF or CRLF; the last one may end with the input. Invalid UTF-8 becomes U+FFFD; a byte order mark is
 * removed.
 */
export async function* readLines(input: Readable, limit: number): AsyncGenerator<InputLine, void, void> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let isTooLong = false;
  let isStart = true;
  const take = (text: string): InputLine => {
    const line: InputLine =
      isTooLong || text.length > limit
        ? { type: 'too_long' }
        : { type: 'line', text: text.replace(/\r$/, '') };
    isTooLong = false;
    return line;
  };
  for await (const chunk of input) {
    const text = decoder.write(chunk);
    const lines = (rest + (isStart ? withoutByteOrderMark(text) : text)).split('\n');
    if (text !== '') isStart = false;
    rest = lines.pop() ?? '';
    for (const line of lines) yield take(line);
    if (rest.length > limit) {
      isTooLong = true;
      rest = '';
    }
  }
  rest += decoder.end();
  if (rest !== '' || isTooLong) yield take(rest);
}
