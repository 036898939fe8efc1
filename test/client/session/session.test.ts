import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { testFolder } from '../../support/folder.ts';
import { runScript } from '../../support/parley.ts';
import { type Script, ScriptedServer } from '../../support/scripted-server.ts';
import { messagesOf } from '../headless-client.ts';

const folder = testFolder();
let users = 0;

async function start(script: Script, ...flags: string[]) {
  const server = await ScriptedServer.start(script);
  users += 1;
  const options = { folder, user: `user${users}`, address: server.address, flags };
  return { server, options };
}

describe('a lost connection', () => {
  it('is restored with a login, and an unanswered message is resent with its key', async () => {
    const { server, options } = await start(({ verb, connection }, caller) => {
      if (verb !== 'send' || connection > 2) return false;
      caller.drop();
      return true;
    });
    const finished = await runScript(['/to bob', 'only once'], options);
    expect(finished).toMatchObject({ code: 0, stderr: '' });
    const sends = server.requests.filter(({ verb }) => verb === 'send');
    expect(sends.map(({ connection }) => connection)).toEqual([1, 2, 3]);
    const [first] = sends;
    expect(first?.values).toEqual(['bob', 'only once', expect.stringMatching(/^[\w-]{16}$/)]);
    for (const { id, values } of sends)
      expect({ id, values }).toEqual({ id: first?.id, values: first?.values });
    expect(server.requests.filter(({ verb }) => verb === 'login')).toHaveLength(3);
    const page = readFileSync(finished.display, 'utf8');
    expect(page.match(/data-seq="\d+" data-kind="message"/g)).toHaveLength(1);
    expect(page.match(/data-seq="\d+" data-kind="stored"/g)).toHaveLength(1);
    expect(page.match(/data-kind="connection"[^>]*data-state="lost"/g)).toHaveLength(2);
    expect(page.match(/data-kind="connection"[^>]*data-state="connected"/g)).toHaveLength(3);
  });

  it('is not restored before the server asks for it', async () => {
    let byeAt = 0;
    const { server, options } = await start(({ verb, connection }, caller) => {
      if (verb !== 'join' || connection > 1) return false;
      byeAt = performance.now();
      caller.send(['bye', 'shutdown', 'the server is shutting down', 1_500]);
      caller.end();
      return true;
    });
    const { code, stderr, display } = await runScript(['/join tea', '/join tea'], options);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^line 1: the connection was lost before the server answered/),
    });
    const [, again] = await server.asked('login', 2);
    expect((again?.at ?? 0) - byeAt).toBeGreaterThanOrEqual(1_499);
    expect(readFileSync(display, 'utf8')).toContain('connection lost: the server is shutting down');
  });

  it('of a guest leads to rejoining the rooms, and never to sending twice', async () => {
    const { server, options } = await start(({ verb, connection }, caller) => {
      if (verb !== 'send' || connection > 1) return false;
      caller.drop();
      return true;
    }, '--guest');
    const { code, stderr } = await runScript(['/join tea', 'perhaps', 'surely'], options);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining('may or may not have been delivered'),
    });
    expect(
      server.requests.filter(({ verb }) => verb !== 'hello').map(({ verb, values }) => [verb, values[0]]),
    ).toEqual([
      ['guest', options.user],
      ['join', '#tea'],
      ['send', '#tea'],
      ['guest', options.user],
      ['join', '#tea'],
      ['send', '#tea'],
      ['quit', undefined],
    ]);
  });
});

describe('logging in again', () => {
  /** A server that issues a token at each login, and drops these connections at the join. */
  const dropping = (drops: readonly number[], script: Script = () => false): Script => {
    return (request, caller) => {
      const { verb, connection, id, values } = request;
      if (script(request, caller)) return true;
      if (verb === 'login' || verb === 'resume') {
        const welcome = { user: values[0], rooms: [], token: `token ${connection}` };
        caller.send(['ok', id, welcome], ['live', 100 + connection]);
      } else if (verb === 'join' && drops.includes(connection)) {
        caller.drop();
      } else {
        return false;
      }
      return true;
    };
  };
  const entries = (server: ScriptedServer) =>
    server.requests
      .filter(({ verb }) => verb === 'login' || verb === 'resume')
      .map(({ connection, verb, values }) => [connection, verb, ...values]);

  it('uses the token of the last login, and resumes after what has arrived', async () => {
    const { server, options } = await start(dropping([1, 2]), '--json');
    const { stdout, stderr, display } = await runScript(['/join tea', '/join tea', '/join tea'], options);
    const { user } = options;
    expect(entries(server)).toEqual([
      [1, 'login', user, `secret of ${user}`, null],
      [2, 'resume', user, 'token 1', 101],
      [3, 'resume', user, 'token 2', 102],
    ]);
    expect(stdout + stderr + readFileSync(display, 'utf8')).not.toContain('token');
  });

  it('uses the password if the token is no longer valid', async () => {
    const { server, options } = await start(
      dropping([1], ({ verb, id }, caller) => {
        if (verb === 'resume') caller.send(['error', id, 'bad_token', 'log in with the password']);
        return verb === 'resume';
      }),
    );
    await runScript(['/join tea', '/join tea'], options);
    const { user } = options;
    expect(entries(server)).toEqual([
      [1, 'login', user, `secret of ${user}`, null],
      [2, 'resume', user, 'token 1', 101],
      [2, 'login', user, `secret of ${user}`, 101],
    ]);
  });

  it('uses the new password after a change', async () => {
    const { server, options } = await start(dropping([1]));
    const { user } = options;
    await runScript(
      ['/password', `secret of ${user}`, 'the new password', '/join tea', '/join tea'],
      options,
    );
    expect(entries(server)).toEqual([
      [1, 'login', user, `secret of ${user}`, null],
      [2, 'login', user, 'the new password', 101],
    ]);
  });

  it('is impossible after quitting, because the token is revoked first', async () => {
    const { server, options } = await start(dropping([]));
    await runScript(['/join tea'], options);
    expect(server.requests.map(({ verb }) => verb)).toEqual([
      'hello',
      'login',
      'join',
      'seen',
      'logout',
      'quit',
    ]);
  });

  it('neither shows nor sends a message again that the server had stored', async () => {
    const { server, options } = await start(
      dropping([], ({ verb, connection, id }, caller) => {
        if (verb === 'send' && connection === 1) {
          caller.drop();
          return true;
        }
        if (verb !== 'resume') return false;
        const sent = server.requests.find((request) => request.verb === 'send')?.values ?? [];
        caller.send(
          ['ok', id, { user: options.user, rooms: [] }],
          ['message', 105, 105, 'bob', options.user, 'before'],
          ['message', 106, 106, options.user, sent[0], sent[1], sent[2]],
          ['message', 107, 107, 'bob', options.user, 'behind'],
          ['live', 107],
        );
        return true;
      }),
      '--json',
    );
    const finished = await runScript(['/msg bob once', '/wait 0.2'], options);
    expect(finished).toMatchObject({ code: 0, stderr: '' });
    expect(server.requests.filter(({ verb }) => verb === 'send')).toHaveLength(1);
    const lines = finished.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line): Record<string, unknown> => JSON.parse(line));
    expect(lines.filter(({ event }) => event === 'message').map(({ text }) => text)).toEqual([
      'before',
      'behind',
    ]);
    expect(lines.filter(({ answer }) => answer === 'send')).toEqual([
      { answer: 'send', ok: true, id: 106, at: 106, to: 'bob', text: 'once' },
    ]);
    expect(messagesOf(readFileSync(finished.display, 'utf8'))).toEqual([
      { id: 105, text: 'before' },
      { id: 106, text: 'once' },
      { id: 107, text: 'behind' },
    ]);
  });
});

describe('the client ends with 77', () => {
  it('when the password was changed elsewhere', async () => {
    const { options } = await start(({ verb }, caller) => {
      if (verb !== 'join') return false;
      caller.send(['bye', 'password_changed', 'the password of this account was changed elsewhere']);
      caller.end();
      return true;
    });
    const { code, stderr, display } = await runScript(['/join tea', '/wait 20'], options);
    expect(code).toBe(77);
    expect(stderr).toContain('was changed elsewhere: log in again with the new password');
    expect(readFileSync(display, 'utf8')).toContain('was changed elsewhere');
  });

  it('when the password is no longer valid', async () => {
    const { options } = await start(({ verb, connection, id }, caller) => {
      if (verb === 'join') caller.drop();
      else if (verb === 'login' && connection === 2)
        caller.send(['error', id, 'wrong_credentials', 'wrong password']);
      else return false;
      return true;
    });
    const { code, stderr } = await runScript(['/join tea', '/wait 20'], options);
    expect(code).toBe(77);
    expect(stderr).toContain('the server refused to log you in again: wrong password');
  });
});

describe('a transient refusal', () => {
  it('is retried, at the first login and at later ones', async () => {
    const { server, options } = await start(({ verb, connection, id }, caller) => {
      if (verb === 'join' && connection === 2) caller.drop();
      else if (verb === 'login' && connection % 2 === 1) caller.send(['error', id, 'busy', 'too many']);
      else return false;
      return true;
    });
    const { code } = await runScript(['/join tea', '/join tea'], options);
    expect(code).toBe(1);
    expect(server.requests.filter(({ verb }) => verb === 'login')).toHaveLength(4);
  });

  it('is followed by trying both passwords if the answer to a change was lost', async () => {
    const { server, options } = await start(({ verb, connection, values, id }, caller) => {
      if (verb === 'password') caller.drop();
      else if (verb === 'login' && connection > 1 && values[1] !== 'the new password') {
        caller.send(['error', id, 'wrong_credentials', 'wrong password']);
      } else return false;
      return true;
    });
    const { code } = await runScript(
      ['/password', `secret of ${options.user}`, 'the new password', '/join tea'],
      options,
    );
    expect(code).toBe(1);
    const logins = server.requests.filter(({ verb }) => verb === 'login').map(({ values }) => values[1]);
    expect(logins).toEqual([`secret of ${options.user}`, `secret of ${options.user}`, 'the new password']);
  });
});

describe('a server that violates the protocol', () => {
  it('is disconnected, with a notice in the display, and retried', async () => {
    const { server, options } = await start(({ verb, connection }, caller) => {
      if (verb !== 'join' || connection > 1) return false;
      caller.sendBytes(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'));
      return true;
    });
    const { code, display } = await runScript(['/join tea', '/join tea'], options);
    expect(code).toBe(1);
    expect(server.requests.filter(({ verb }) => verb === 'join')).toHaveLength(2);
    expect(readFileSync(display, 'utf8')).toContain('connection closed: it sent a frame without a size');
  });

  it('is disconnected if an answer has another shape', async () => {
    const { server, options } = await start(({ verb, connection, id }, caller) => {
      if (verb !== 'who' || connection > 1) return false;
      caller.send(['ok', id, [[['#tea', true]], null]]);
      return true;
    });
    const { stderr } = await runScript(['/who', '/wait 0.1', '/join tea'], options);
    expect(stderr).toContain("the server's answer violates the protocol");
    await server.asked('login', 2);
  });

  it('can print only cleaned text to the terminal', async () => {
    const { options } = await start(({ verb, id }, caller) => {
      if (verb !== 'join') return false;
      caller.send(['error', id, 'bad_room', '\u001b[2Jno\u0007 such\nroom']);
      return true;
    });
    const { stderr } = await runScript(['/join tea'], options);
    expect(stderr).toBe('line 1: [2Jno such room\n');
  });
});
