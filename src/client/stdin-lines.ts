/** Lines of a stream, read only when asked for, so that a script's input waits in its pipe and not in memory. */

import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

export type InputLine =
  | { readonly type: 'line'; readonly text: string }
  /** A line of more than `limit` characters; what it said is not kept. */
  | { readonly type: 'too_long' };

/** Lines end in LF or CRLF; the last one may end with the input. Bytes that are not UTF-8 become U+FFFD. */
export async function* readLines(input: Readable, limit: number): AsyncGenerator<InputLine, void, void> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let isTooLong = false;
  const take = (text: string): InputLine => {
    const line: InputLine =
      isTooLong || text.length > limit
        ? { type: 'too_long' }
        : { type: 'line', text: text.replace(/\r$/, '') };
    isTooLong = false;
    return line;
  };
  for await (const chunk of input) {
    const lines = (rest + decoder.write(chunk)).split('\n');
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
