/** Reads what one side of a connection sends, for test clients and test servers. */

import { decodeBody } from '../../src/protocol/codec.ts';
import { FrameDecoder } from '../../src/protocol/frame.ts';

export type Frame = readonly unknown[];

/** Accepts the bytes of a connection in pieces of any size; throws at anything that is not a frame. */
export function frameReader(take: (frame: Frame) => void): (bytes: Buffer) => void {
  const decoder = new FrameDecoder(65_536);
  return (bytes) => {
    decoder.push(bytes);
    for (let next = decoder.next(); next.type !== 'more'; next = decoder.next()) {
      if (next.type === 'fault') throw new Error(`the peer sent a bad frame: ${next.fault}`);
      const frame = decodeBody(next.body);
      if (frame === undefined) throw new Error(`the peer sent a body that cannot be decoded`);
      take(frame);
    }
  };
}
