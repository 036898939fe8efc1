import { createHook } from 'node:async_hooks';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { readTarget, resolveLocalhost, type Target } from '../../../src/load/run/target.ts';

const text = (target: Target): string => (target.type === 'refused' ? target.text : '');

describe('the server of a run', () => {
  it('is started for the run if none is named', () => {
    expect(readTarget({})).toEqual({ type: 'own' });
  });

  it.each([
    ['127.0.0.1', '127.0.0.1', 4040],
    ['127.200.3.4:99', '127.200.3.4', 99],
    ['localhost:5000', 'localhost', 5000],
    ['LOCALHOST', 'LOCALHOST', 4040],
    ['[::1]:5000', '::1', 5000],
    ['[0:0:0:0:0:0:0:1]', '0:0:0:0:0:0:0:1', 4040],
    ['[::ffff:127.0.0.1]:1', '::ffff:127.0.0.1', 1],
  ])('may be %s, which is this machine', (server, host, port) => {
    expect(readTarget({ server })).toEqual({ type: 'server', address: { host, port }, isLoopback: true });
  });

  it.each([
    'chat.example.com',
    'chat.example.com:4040',
    '93.184.215.14',
    '10.0.0.1:80',
    '0.0.0.0',
    '[::]:4040',
    '[2001:db8::1]:4040',
    '[::ffff:10.0.0.1]',
    // Names and numbers that only look like this machine.
    '128.0.0.1',
    '127.0.0.1.example.com',
    'localhost.example.com',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
  ])('is refused if it is %s, and told what to do', (server) => {
    const target = readTarget({ server });
    expect(target).toMatchObject({ type: 'refused', exitCode: 2 });
    expect(text(target)).toMatch(/nothing was sent.*add --i-may-load /);
  });

  it.each([
    ['chat.example.com:99', 'chat.example.com', 'chat.example.com'],
    ['Chat.Example.com', 'chat.example.COM', 'Chat.Example.com'],
    ['[2001:db8::1]:99', '[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:99', '2001:db8::1', '2001:db8::1'],
  ])('may be %s with --i-may-load %s', (server, iMayLoad, host) => {
    expect(readTarget({ server, iMayLoad })).toMatchObject({
      type: 'server',
      address: { host },
      isLoopback: false,
    });
  });

  it.each(['example.com', 'other.example.com', 'chat.example.com:4040', 'chat.example.com.', '*', 'yes', ''])(
    'is refused with --i-may-load of another: "%s"',
    (iMayLoad) => {
      const target = readTarget({ server: 'chat.example.com:4040', iMayLoad });
      expect(target).toMatchObject({ type: 'refused', exitCode: 2 });
      expect(text(target)).toContain('--i-may-load chat.example.com');
    },
  );

  it('is not taken from --i-may-load, nor guessed from an invalid address', () => {
    expect(text(readTarget({ iMayLoad: 'chat.example.com' }))).toContain('add --server chat.example.com');
    expect(readTarget({ server: 'a b' })).toMatchObject({ type: 'refused', exitCode: 2 });
  });

  it('is neither resolved nor contacted before it is accepted', async () => {
    const made: string[] = [];
    const hook = createHook({
      init: (_, type) => /TCP|ADDRINFO|QUERY|UDP/.test(type) && made.push(type),
    }).enable();
    for (const iMayLoad of [undefined, 'other.example.com', 'chat.example.com']) {
      readTarget({ server: 'chat.example.com', iMayLoad });
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(made).toEqual([]);
    // The hook does see what there is to see.
    await resolveLocalhost({ host: 'localhost', port: 1 });
    hook.disable();
    expect(made.length).toBeGreaterThan(0);
  });
});

describe('localhost', () => {
  it.each(['127.0.0.1', '::1'])('is the address that answers: %s', async (host) => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    const bound = server.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
    expect(await resolveLocalhost({ host: 'Localhost', port })).toEqual({ host, port });
    server.close();
  });

  it('is 127.0.0.1 if nothing answers, and other addresses are unchanged', async () => {
    expect(await resolveLocalhost({ host: 'localhost', port: 1 })).toEqual({ host: '127.0.0.1', port: 1 });
    expect(await resolveLocalhost({ host: 'chat.example', port: 1 })).toEqual({
      host: 'chat.example',
      port: 1,
    });
  });
});
