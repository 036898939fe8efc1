import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { useBrowser } from '../../support/browser.ts';
import { testFolder } from '../../support/folder.ts';
import { runScript } from '../../support/parley.ts';
import { type Script, ScriptedServer } from '../../support/scripted-server.ts';
import { messagesOf } from '../headless-client.ts';

const folder = testFolder();
const browser = useBrowser();
let users = 0;

/** Of the conversation with bob: messages 1 to 100, of which the display gets 98 and the later ones at login. */
const ARCHIVE = Array.from({ length: 100 }, (_, at) => [at + 1, at + 1, 'bob', 'alice', `message ${at + 1}`]);

/** A server with an archive that it gives in pages of up to `page`. */
function archive(page: number, script: Script = () => false): Script {
  return (request, caller) => {
    if (script(request, caller)) return true;
    const { verb, id, values } = request;
    if (verb === 'login') {
      const missed = ARCHIVE.slice(97).map((message) => ['message', ...message]);
      caller.send(['ok', id, { user: values[0], rooms: [] }], ...missed, ['live', 100]);
    } else if (verb === 'history') {
      const [of, before, limit] = values.map((value) => (typeof value === 'number' ? value : String(value)));
      const older = of === 'bob' ? ARCHIVE.filter(([at]) => Number(at) < Number(before)) : [];
      const found = older.reverse().slice(0, Math.min(page, Number(limit)));
      caller.send(['ok', id, [found, found.length < older.length ? Number(found.at(-1)?.[0]) : null]]);
    } else {
      return false;
    }
    return true;
  };
}

async function start(script: Script, ...flags: string[]) {
  const server = await ScriptedServer.start(script);
  users += 1;
  return { server, options: { folder, user: `user${users}`, address: server.address, flags } };
}

const asked = (server: ScriptedServer) =>
  server.requests.filter(({ verb }) => verb === 'history').map(({ values }) => values);

describe('/history', () => {
  it('shows what is before the display, and typed again what is before that', async () => {
    const { server, options } = await start(archive(500));
    const finished = await runScript(['/to bob', '/history', '/history 40', '/history', '/history'], options);
    expect(finished.stderr).toBe('');
    expect(finished.stdout.split('\n').slice(1)).toEqual([
      'added 50 earlier messages of bob to the display; for more, type /history',
      'added 40 earlier messages of bob to the display; for more, type /history',
      'added 7 earlier messages of bob to the display; there are no earlier ones that you can see',
      'the display already shows all of bob that you can see',
      '',
    ]);
    expect(asked(server)).toEqual([
      ['bob', 98, 50],
      ['bob', 48, 40],
      ['bob', 8, 50],
      ['bob', 1, 50],
    ]);
    const shown = messagesOf(readFileSync(finished.display, 'utf8'));
    expect(shown.map(({ text }) => text)).toEqual(ARCHIVE.map(([, , , , text]) => text));
    const page = await browser.open(finished.display);
    expect(await page.locator('.message .text').allTextContents()).toEqual(
      ARCHIVE.map(([, , , , text]) => text),
    );
  });

  it('goes from page to page for as many as are wanted', async () => {
    const { server, options } = await start(archive(8));
    const { display, stdout } = await runScript(['/history bob 20'], options);
    expect(stdout).toBe('added 20 earlier messages of bob to the display; for more, type /history bob\n');
    expect(asked(server)).toEqual([
      ['bob', 98, 20],
      ['bob', 90, 12],
      ['bob', 82, 4],
    ]);
    expect(messagesOf(readFileSync(display, 'utf8'))[0]).toEqual({ id: 78, text: 'message 78' });
  });

  it('of a conversation that is not in the display begins below what will come by itself', async () => {
    const { server, options } = await start(archive(500));
    const { stdout } = await runScript(['/history #tea 5'], options);
    expect(asked(server)).toEqual([['#tea', 101, 5]]);
    expect(stdout).toBe('the display already shows all of #tea that you can see\n');
  });

  it('counts own messages as shown', async () => {
    const { server, options } = await start(
      archive(500, ({ verb, id }, caller) => {
        if (verb === 'send') caller.send(['ok', id, [150, 150]]);
        return verb === 'send';
      }),
    );
    await runScript(['/msg Carl hello', '/history carl'], options);
    expect(asked(server)).toEqual([['carl', 150, 50]]);
  });

  it('carries the messages on --json, oldest first', async () => {
    const { options } = await start(archive(2), '--json');
    const { stdout } = await runScript(['/history bob 3'], options);
    const line = stdout.split('\n').find((text) => text.includes('"answer":"history"')) ?? '';
    expect(JSON.parse(line)).toEqual({
      answer: 'history',
      ok: true,
      with: 'bob',
      messages: [95, 96, 97].map((id) => ({ id, at: id, from: 'bob', to: 'alice', text: `message ${id}` })),
      more: true,
    });
  });

  it('keeps what it had when the rest is refused, and goes on from there', async () => {
    let pages = 0;
    const { server, options } = await start(
      archive(5, ({ verb, id }, caller) => {
        if (verb !== 'history') return false;
        pages += 1;
        if (pages === 2) caller.send(['error', id, 'unavailable', 'restarting']);
        return pages === 2;
      }),
    );
    const { stderr, display } = await runScript(['/history bob 10', '/history bob 5'], options);
    expect(stderr).toBe('line 1: restarting\n');
    expect(asked(server)).toEqual([
      ['bob', 98, 10],
      ['bob', 93, 5],
      ['bob', 93, 5],
    ]);
    const shown = messagesOf(readFileSync(display, 'utf8'));
    expect(shown.map(({ id }) => id)).toEqual(ARCHIVE.slice(87).map(([id]) => id));
  });

  it('waits for the end of a replay', async () => {
    const { server, options } = await start(
      archive(500, ({ verb, id, values }, caller) => {
        if (verb !== 'login') return false;
        caller.send(['ok', id, { user: values[0], rooms: [] }]);
        setTimeout(() => {
          caller.send(['message', 30, 30, 'bob', 'alice', 'message 30'], ['live', 30]);
        }, 500);
        return true;
      }),
    );
    await runScript(['/history bob 5'], options);
    expect(asked(server)).toEqual([['bob', 30, 5]]);
  });

  it('does not trust a page that would repeat what is shown', async () => {
    const { server, options } = await start(({ verb, id }, caller) => {
      if (verb !== 'history') return false;
      caller.send(['ok', id, [[[50, 50, 'bob', 'alice', 'again']], null]]);
      return true;
    });
    const { stderr, display } = await runScript(['/history bob', '/wait 0.1', '/rooms'], options);
    expect(stderr).toContain("the server's answer violates the protocol");
    expect(messagesOf(readFileSync(display, 'utf8'))).toEqual([]);
    await server.asked('login', 2);
  });
});

describe('/search', () => {
  const HITS = [
    [90, 1_768_917_900_000, 'bob', '#tea', ['the ', 'kettle', ' sings']],
    [80, 1_768_917_900_000, 'Carl', 'USER', ['', 'kettle']],
    [70, 1_768_917_900_000, 'USER', 'bob', ['my ', 'kettle', '\nand ', 'kettle', 's \u001b[2J']],
  ];
  /** Two hits, then one; `USER` is who asks. */
  const found = (options: { user: string }, isComplete = true): Script => {
    return ({ verb, id, values }, caller) => {
      if (verb !== 'search') return false;
      const hits = values[2] === null ? HITS.slice(0, 2) : HITS.slice(2);
      const named = hits.map((hit) => hit.map((value) => (value === 'USER' ? options.user : value)));
      caller.send(['ok', id, [named, values[2] === null ? 80 : null, isComplete]]);
      return true;
    };
  };

  it('lists what was found, newest first, and goes on when it is typed alone', async () => {
    const user = `user${users + 1}`;
    const { server, options } = await start(found({ user }));
    const env = { TZ: 'UTC' };
    const lines = ['/search in:#tea "the kettle" si*', '/search', '/search'];
    const { stdout, stderr, display } = await runScript(lines, { ...options, env });
    expect(server.requests.filter(({ verb }) => verb === 'search').map(({ values }) => values)).toEqual([
      ['"the kettle" si*', '#tea', null, 20],
      ['"the kettle" si*', '#tea', 80, 20],
    ]);
    expect(stdout.split('\n')).toEqual([
      '2026-01-20 14:05  bob to #tea: the [kettle] sings',
      '2026-01-20 14:05  Carl to you: [kettle]',
      'there may be more; type /search to continue',
      '2026-01-20 14:05  you to bob: my [kettle] and [kettle]s [2J',
      '',
    ]);
    expect(stderr).toBe('line 3: there is no search to continue; type /search WORDS\n');
    const page = readFileSync(display, 'utf8');
    expect(page).toContain('bob to #tea: <bdi>the <mark>kettle</mark> sings</bdi>');
    expect(messagesOf(page)).toEqual([]);
  });

  it('says what is missing', async () => {
    const { options } = await start(({ verb, id, values }, caller) => {
      if (verb !== 'search') return false;
      if (values[0] === '"') caller.send(['error', id, 'bad_query', 'a quote is not closed']);
      else caller.send(['ok', id, [[], null, values[0] === 'all']]);
      return true;
    });
    const { stdout, stderr } = await runScript(['/search all', '/search some', '/search "'], options);
    expect(stdout.split('\n')).toEqual([
      'nothing found',
      'nothing found',
      'the server is still indexing old messages; search again later to find all',
      '',
    ]);
    expect(stderr).toBe('line 3: a quote is not closed\n');
  });

  it('is for programs on --json', async () => {
    const user = `user${users + 1}`;
    const { options } = await start(found({ user }, false), '--json');
    const { stdout } = await runScript(['/search kettle'], options);
    const line = stdout.split('\n').find((text) => text.includes('"answer":"search"')) ?? '';
    const at = 1_768_917_900_000;
    expect(JSON.parse(line)).toEqual({
      answer: 'search',
      ok: true,
      query: 'kettle',
      in: null,
      hits: [
        { id: 90, at, from: 'bob', to: '#tea', snippet: ['the ', 'kettle', ' sings'] },
        { id: 80, at, from: 'Carl', to: user, snippet: ['', 'kettle'] },
      ],
      more: true,
      complete: false,
    });
  });
});
