import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { testFolder } from '../../support/folder.ts';
import { until } from '../../support/process.ts';
import { ScriptedServer } from '../../support/scripted-server.ts';
import { messagesOf, useHeadlessClients } from '../headless-client.ts';
import { ScriptedLog } from '../scripted-log.ts';

const start = useHeadlessClients(testFolder());

// Retries happen at once: their delay is a random part of a bound.
const { random } = Math;
beforeEach(() => {
  vi.spyOn(Math, 'random').mockImplementation(() => random() / 1_000);
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** A conversation of alice with others, over connections that are cut after that many bytes. */
async function converse(cuts: readonly number[]): Promise<ScriptedLog> {
  const log = new ScriptedLog();
  log.cuts = cuts;
  log.say('bob', 'alice', 'missed 1');
  log.say('bob', '#tea', 'missed 2');
  log.reply = (text) => log.say('bob', text.includes('room') ? '#tea' : 'alice', `answer to ${text}`);
  const server = await ScriptedServer.start(log.script);
  const client = await start(server.port);
  await client.logIn();
  await client.type('/msg bob private');
  await client.type('/join tea');
  await client.type('/msg #tea room 1');
  await client.type('/msg #tea room 2');
  await until('everything to be stored', () => client.session.sendQueue.size === 0);
  // A join whose answer was lost is not repeated automatically.
  while (client.results.every(({ of, ok }) => of !== 'join' || !ok)) {
    await client.session.whenOnline(5_000);
    await client.type('/join tea');
  }
  await until('everything to be written', () => client.readerLink.cursor === log.newest, {
    state: () => JSON.stringify({ cuts, entries: log.entries, cursor: client.readerLink.cursor }),
  });
  await client.quit();

  const page = client.page();
  const expected = log.entries
    .filter(({ event }) => event[0] === 'message')
    .map(({ id, event }) => ({ id, text: event[5] }));
  expect(messagesOf(page), `cuts at ${cuts}`).toEqual(expected);
  expect(page.match(/data-kind="membership"/g), `cuts at ${cuts}`).toHaveLength(1);
  // A client cut off at the end cannot know.
  expect(cuts.length === 0 ? [log.newest] : log.entries.map(({ id }) => id).concat(0)).toContain(log.seen);
  // `--json` reports each message as an answer or an event, never both.
  const events = client.events.filter(([name]) => name === 'message').map(([, id]) => id);
  const answers = client.results.map((result) => result.of === 'send' && result.ok && result.data?.id);
  const told = [...events, ...answers.filter((id) => id !== false)];
  expect(told.map(Number).sort((a, b) => a - b)).toEqual(expected.map(({ id }) => id));
  await server.stop();
  return log;
}

describe('a connection that is cut', () => {
  it('at any byte leads to a display with every message exactly once', async () => {
    const whole = (await converse([])).sent[1] ?? 0;
    expect(whole).toBeGreaterThan(400);
    for (let from = 1; from < whole; from += 16) {
      await Promise.all(Array.from({ length: 16 }, (_, at) => converse([from + at])));
    }
  }, 120_000);

  it('again and again does so as well', async () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 2, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(fc.array(cuts, { minLength: 16, maxLength: 16 }), async (many) => {
        await Promise.all(many.map(converse));
      }),
      { numRuns: 8 },
    );
  }, 120_000);

  it('resumes after what has arrived, even while the disk is slow', async () => {
    const server = await ScriptedServer.start(({ verb, connection, id }, caller) => {
      if (verb !== 'login') return false;
      const says = [11, 12, 13].map((at) => ['message', at, at, 'bob', 'alice', `message ${at}`]);
      caller.send(['ok', id, { user: 'alice', rooms: [] }]);
      if (connection === 1) caller.send(...says.slice(0, 2));
      else caller.send(...says.slice(2), ['live', 13]);
      if (connection === 1) caller.end();
      return true;
    });
    const client = await start(server.port, 'closed');
    await client.logIn();
    const logins = await server.asked('login', 2);
    expect(logins.map(({ values }) => values[2])).toEqual([null, 12]);
    expect(client.readerLink.cursor).toBe(0);
    client.open();
    await until('everything to be written', () => client.readerLink.cursor === 13);
    await client.quit();
    expect(messagesOf(client.page()).map(({ id }) => id)).toEqual([11, 12, 13]);
  });

  it('delivers more than may wait for the disk, which slows the server down', async () => {
    const count = 10_000;
    const ids = Array.from({ length: count }, (_, at) => at + 1);
    const server = await ScriptedServer.start(({ verb, id }, caller) => {
      if (verb !== 'login') return false;
      caller.send(
        ['ok', id, { user: 'alice', rooms: [] }],
        ...ids.map((at) => ['message', at, at, 'bob', 'alice', 'x'.repeat(300)]),
        ['live', count],
      );
      return true;
    });
    const client = await start(server.port, 'closed');
    await client.logIn();
    await until('the server to be held back', () => client.readerLink.isPaused);
    expect(client.events.length).toBeLessThan(count / 2);
    client.open();
    await until('everything to be written', () => client.readerLink.cursor === count);
    expect(client.readerLink.isPaused).toBe(false);
    await client.quit();
    expect(messagesOf(client.page()).map(({ id }) => id)).toEqual(ids);
  });
});
