/** A way to a server on which what the server says arrives one byte at a time. */

import { connect, createServer } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Endpoint } from '../../../src/load/wires/client-wire.ts';
import { listen } from '../../support/listen.ts';

/** Where to connect in the place of `server`. */
export async function dribble(server: Endpoint): Promise<Endpoint> {
  const way = createServer({ noDelay: true }, async (near) => {
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
  onTestFinished(() => void way.close());
  return { ...server, port: await listen(way) };
}
