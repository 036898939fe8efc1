/** The writer thread: typed line → command → checks → frame. It keeps nothing between lines. */

import { serve } from '../actors/thread.ts';
import { encodeFrame } from '../transport/codec.ts';
import type { Context, Plan, Refused } from './commands.ts';
import { readLine } from './line.ts';

/** What a line came to. The frame is the whole request; plans that ask nothing of the server have none. */
export type Composed =
  | { readonly type: 'nothing' }
  | Refused
  | { readonly type: 'plan'; readonly plan: Plan; readonly frame: Uint8Array | undefined };

export interface WriterApi {
  /** `requestId` and `key` are used up only if the line becomes a frame. */
  compose(line: string, context: Context, requestId: number, key: string): Composed;
}

serve<WriterApi>({
  compose(line, context, requestId, key) {
    const read = readLine(line, context);
    if (read.type === 'nothing' || read.type === 'refused') return read;
    const request = requestOf(read, requestId, key);
    // A copy of its own: a frame is a view of a larger buffer, and all of that would be sent.
    return { type: 'plan', plan: read, frame: request && new Uint8Array(encodeFrame(request)) };
  },
});

function requestOf(plan: Plan, requestId: number, key: string): readonly unknown[] | undefined {
  switch (plan.type) {
    case 'send':
      return ['send', requestId, plan.to, plan.text, key];
    case 'join':
    case 'leave':
      return [plan.type, requestId, plan.room];
    case 'who':
      return ['who', requestId, plan.room];
    case 'rooms':
      return ['rooms', requestId];
    default:
      return undefined;
  }
}
