/** Checks that a Parley server listens at an address before the user has to answer any other question. */

import { connect } from 'node:net';
import { type Address, formatAddress } from '../../common/address.ts';
import { VERSION } from '../../common/version.ts';
import { decodeBody, encodeFrame } from '../../protocol/codec.ts';
import { FrameDecoder } from '../../protocol/frame.ts';
import { LIMITS, PROTOCOL_VERSION } from '../../protocol/vocabulary.ts';
import { readServerFrame } from '../reader/server-frame.ts';
import { describeSocketError } from './connection.ts';

const PROBE_MS = 5_000;

/** Sends `hello` and disconnects. Resolves with the problem, or undefined if a Parley server answered. */
export function probeServer(address: Address): Promise<string | undefined> {
  const where = formatAddress(address);
  const socket = connect({ host: address.host, port: address.port, noDelay: true });
  const decoder = new FrameDecoder(LIMITS.frame);
  return new Promise((resolve) => {
    const settle = (fault: string | undefined): void => {
      clearTimeout(deadline);
      socket.destroy();
      resolve(fault === undefined ? undefined : `${where}: ${fault}`);
    };
    const deadline = setTimeout(settle, PROBE_MS, `no answer within ${PROBE_MS / 1_000} s`);
    socket.once('connect', () => {
      socket.write(encodeFrame(['hello', 1, { version: PROTOCOL_VERSION, client: `parley/${VERSION}` }]));
    });
    socket.once('error', (error) => settle(describeSocketError(error)));
    socket.once('close', () => settle('the server closed the connection'));
    socket.on('data', (chunk: Buffer) => {
      decoder.push(chunk);
      const decoded = decoder.next();
      if (decoded.type === 'more') return;
      const values = decoded.type === 'body' ? decodeBody(decoded.body) : undefined;
      const frame = readServerFrame(values ?? []);
      if (frame.type === 'ok') settle(undefined);
      else if (frame.type === 'error') settle(frame.text);
      else settle('the program listening there is not a Parley server');
    });
  });
}
