/** A proxy that delivers the output of a server one byte at a time. */

import { connect, createServer } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Endpoint } from '../../../src/load/wires/client-wire.ts';
import { listen } from '../../support/listen.ts';

/** Starts a proxy for `server`, and returns its endpoint. */
export async function dribble(server: Endpoint): Promise<Endpoint> {
  const proxy = createServer({ noDelay: true }, async (near) => {
    const far = connect({ host: server.host, port: server.port, noDelay: true });
    near.on('error', () => far.destroy());
    near.on('close', () => far.destroy());
    near.pipe(far);
    try {
      for await (const chunk of far) {
        for (const byte of chunk) {
          near.write(Buffer.of(byte));
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
      near.end();
    } catch {
      near.destroy();
    }
  });
  onTestFinished(() => void proxy.close());
  return { ...server, port: await listen(proxy) };
}
