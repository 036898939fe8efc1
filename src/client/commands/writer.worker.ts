/** The writer thread: typed line → command → checks → frame. It keeps no state between lines. */

import { serve } from '../../actors/kernel/thread.ts';
import { encodeFrame } from '../../protocol/codec.ts';
import { plainName } from './conversation-name.ts';
import { readInput } from './line.ts';
import type { Context, Input, LocalPlan, Refused, RequestPlan, SendPlan } from './typed-command.ts';

/** What a line became. The frame is the complete request. */
export type Composed =
  | { readonly type: 'nothing' }
  | Refused
  | { readonly type: 'local'; readonly plan: LocalPlan }
  | { readonly type: 'request'; readonly plan: SendPlan | RequestPlan; readonly frame: Uint8Array };

export interface WriterApi {
  /** `requestId` and `key` are used only if the line becomes a frame. */
  compose(input: Input, context: Context, requestId: number, key: string): Composed;
}

serve<WriterApi>({
  compose(input, context, requestId, key) {
    const read = readInput(input, context);
    switch (read.type) {
      case 'nothing':
      case 'refused':
        return read;
      case 'send':
        return toRequest(read, ['send', requestId, plainName(read.to), read.text, key]);
      case 'request':
        return toRequest(read, [read.verb, requestId, ...read.values]);
      default:
        return { type: 'local', plan: read };
    }
  },
});

/** Copies the frame, because it is a view of a larger buffer that would be sent to the other thread as a whole. */
function toRequest(plan: SendPlan | RequestPlan, values: readonly unknown[]): Composed {
  return { type: 'request', plan, frame: new Uint8Array(encodeFrame(values)) };
}
