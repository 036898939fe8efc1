import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { endianness } from 'node:os';
import { describe, expect, it, onTestFinished } from 'vitest';
import { endpointName, readEndpoints, TableScan } from '../../src/transport/socket-table.ts';
import { listen } from '../support/listen.ts';

// From Linux 6.18. Port 4040 is 0FC8.
const TCP = `\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     
   0: 00000000:0FC8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 168920 1 00000000d121452b 100 0 0 10 0                    
   1: 02014D0A:0FC8 02024D0A:9C42 01 00000000:00000000 02:0000176E 00000000     0        0 168931 2 00000000d1214522 20 4 30 10 -1                   
   2: 02014D0A:0FC8 02024D0A:9C43 01 00000064:00000000 01:00000044 00000000     0        0 168932 2 00000000d1214523 20 4 30 10 -1                   
   3: 02014D0A:0FC8 02024D0A:9C44 01 00000044:00000000 01:00001194 0000000A     0        0 168933 2 00000000d1214524 5222 4 0 1 5                     
   4: 02014D0A:0FC8 02024D0A:9C45 01 000EB710:00000000 04:00000A31 00000000  1000        0 168934 2 00000000d1214525 22 4 0 138 -1                    
   5: 02014D0A:0FC8 02024D0A:9C46 08 000EB710:00000000 04:00000A31 00000000  1000       12 168935 2 00000000d1214526 22 4 0 138 -1                    
   6: 02014D0A:0FC8 02024D0A:9C47 04 00000044:00000000 01:00001194 00000003     0        0 0 2 00000000d1214527 5222 4 0 1 5                          
   7: 02014D0A:0FC9 02024D0A:9C48 01 00000044:00000000 01:00001194 00000003     0        0 168936 2 00000000d1214528 5222 4 0 1 5                     
   8: 02014D0A:9C48 02024D0A:0FC8 01 00000044:00000000 01:00001194 00000003     0        0 168937 2 00000000d1214529 5222 4 0 1 5                     
10000: 0100007F:0FC8 02024D0A:0FC8 01 00000044:00000000 01:00001194 00000003 4294967295        0 168938 2 00000000d121452a 5222 4 0 1 5            
`;
const TCP6 = `\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0000000000000000FFFF00000100007F:0FC8 0000000000000000FFFF00000100007F:C350 01 00000005:00000000 01:00000044 00000002     0        0 168940 2 00000000d121452b 20 4 30 10 -1
   1: B80D0120000000000000000001000000:0FC8 B80D0120000000000000000002000000:C351 01 00000005:00000000 04:00000044 00000000     0        1 168941 2 00000000d121452c 20 4 30 10 -1
`;

function scan(text: string, pieceBytes = text.length) {
  const tableScan = new TableScan(4040);
  const buffer = Buffer.alloc(text.length);
  let kept = 0;
  for (let start = 0; start < text.length; start += pieceBytes) {
    kept = tableScan.take(buffer, kept + buffer.write(text.slice(start, start + pieceBytes), kept, 'latin1'));
  }
  expect(kept).toBe(0);
  return tableScan.found;
}

describe('the scan of the table of sockets', () => {
  it('finds the port’s connections with unanswered data, and no others', () => {
    expect(scan(TCP)).toEqual([
      { name: '02014D0A:0FC8 02024D0A:9C44', waitsFor: 'acknowledgement', count: 10 },
      { name: '02014D0A:0FC8 02024D0A:9C46', waitsFor: 'window', count: 12 },
      { name: '0100007F:0FC8 02024D0A:0FC8', waitsFor: 'acknowledgement', count: 3 },
    ]);
    expect(scan(TCP6).map(({ waitsFor, count }) => [waitsFor, count])).toEqual([
      ['acknowledgement', 2],
      ['window', 1],
    ]);
  });

  it('does not depend on how the text is split', () => {
    for (const pieceBytes of [1, 7, 150, 151, 1_000]) {
      expect(scan(TCP, pieceBytes)).toEqual(scan(TCP));
      expect(scan(TCP6, pieceBytes)).toEqual(scan(TCP6));
    }
  });
});

it.runIf(endianness() === 'LE')('reads addresses of both kinds', () => {
  expect(scan(TCP).map(({ name }) => readEndpoints(name))[0]).toEqual({
    local: '10.77.1.2 4040',
    remote: '10.77.2.2 40004',
  });
  expect(scan(TCP6).map(({ name }) => readEndpoints(name))).toEqual([
    { local: '::ffff:127.0.0.1 4040', remote: '::ffff:127.0.0.1 50000' },
    { local: '2001:db8::1 4040', remote: '2001:db8::2 50001' },
  ]);
});

it.runIf(process.platform === 'linux').each(['127.0.0.1', '::1', '::'])(
  'names a connection to a server on %s as Node does',
  async (host) => {
    const accepted = Promise.withResolvers<Socket>();
    const server = createServer((socket) => accepted.resolve(socket));
    const port = await listen(server, host);
    const client = connect(port, host === '::' ? '127.0.0.1' : host);
    const socket = await accepted.promise;
    onTestFinished(() => {
      client.destroy();
      socket.destroy();
      server.close();
    });
    const table = host === '127.0.0.1' ? 'tcp' : 'tcp6';
    const names = readFileSync(`/proc/self/net/${table}`, 'latin1').matchAll(/: (\w+:\w+ \w+:\w+) 01 /g);
    expect([...names].map(([, name = '']) => readEndpoints(name))).toContainEqual({
      local: endpointName(socket.localAddress, socket.localPort),
      remote: endpointName(socket.remoteAddress, socket.remotePort),
    });
  },
);
