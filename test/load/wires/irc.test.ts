import { describe, expect, it, onTestFinished } from 'vitest';
import type { Connection } from '../../../src/load/wires/client-wire.ts';
import { ircWire } from '../../../src/load/wires/irc.ts';
import { Recorder } from './recorder.ts';
import { StubServer } from './stub-server.ts';

interface SendSchedule {
  readonly stub: StubServer;
  readonly recorder: Recorder;
  readonly connection: Connection;
}

const ANN = { name: 'ann', password: undefined };

async function connected(): Promise<SendSchedule> {
  const stub = await StubServer.start();
  const recorder = new Recorder();
  const connection = await ircWire.connect(stub.endpoint, recorder);
  onTestFinished(() => connection.destroy());
  return { stub, recorder, connection };
}

async function entered(): Promise<SendSchedule> {
  const talk = await connected();
  const answer = talk.connection.login(ANN, undefined);
  await talk.stub.hears('USER');
  talk.stub.say(':irc.test 001 ann :Welcome\r\n:irc.test 422 ann :No message of the day\r\n');
  expect(await answer).toEqual({ type: 'ok' });
  return talk;
}

describe('the wire for IRC', () => {
  it('answers a PING during the login, logs in, and is live', async () => {
    const { stub, recorder, connection } = await connected();
    const answer = connection.login({ name: 'ann', password: 'open sesame' }, undefined);
    await stub.hears('PASS open sesame\r\nNICK ann\r\nUSER load 0 * :load\r\n');
    stub.say(':irc.test NOTICE * :looking around\r\nPING :prove it\r\n');
    await stub.hears('PONG :prove it\r\n');
    expect(recorder.events).toEqual([]);
    await stub.sayByBytes(':irc.test 001 Ann :Welcome to PING and ERROR\r\n');
    expect(await answer).toEqual({ type: 'ok' });
    expect(recorder.events).toEqual([['live']]);
  });

  it.each(['432', '433', '464', '465'])('reports a refused login: %s', async (code) => {
    const { stub, connection } = await connected();
    const answer = connection.login(ANN, undefined);
    await stub.hears('USER');
    stub.say(`:irc.test ${code} * ann :no\r\n`);
    expect(await answer).toEqual({ type: 'refused', code });
  });

  it('rejects a login that got another nick', async () => {
    const { stub, recorder, connection } = await connected();
    const answer = connection.login(ANN, undefined);
    await stub.hears('USER');
    stub.say(':irc.test 001 an :Welcome\r\n');
    expect(await answer).toEqual({ type: 'refused', code: 'another_nick' });
    expect(recorder.events).toEqual([]);
  });

  it('reports that the connection ended before the login was answered, and why', async () => {
    const { stub, recorder, connection } = await connected();
    const answer = connection.login(ANN, undefined);
    await stub.hears('USER');
    stub.say('ERROR :Closing link: (load@127.0.0.1) [Too many connections]\r\n');
    stub.end();
    expect(await answer).toEqual({ type: 'lost' });
    expect(await recorder.has('closed')).toEqual([['closed', 'error Closing link: [Too many connections]']]);
    expect(await connection.login(ANN, undefined)).toEqual({ type: 'lost' });
    expect(await connection.join('#tea')).toBe(false);
  });

  it('joins once, and reports a refused join', async () => {
    const { stub, connection } = await entered();
    const joins = [connection.join('#Tea'), connection.join('#tea'), connection.join('#closed')];
    await stub.hears('JOIN #closed\r\n');
    stub.say(':irc.test 474 ann #closed :banned\r\n:ann!~a@h JOIN :#tea\r\n');
    stub.say(':irc.test 353 ann = #tea :@ben ann\r\n:irc.test 366 ann #tea :End\r\n');
    expect(await Promise.all(joins)).toEqual([true, true, false]);
    expect(await connection.join('#TEA')).toBe(true);
    expect(stub.heard.match(/JOIN/g)).toHaveLength(2);
  });

  it('writes all messages of one turn in one piece', async () => {
    const { stub, connection } = await entered();
    stub.pieces.length = 0;
    for (let number = 0; number < 100; number += 1)
      connection.send('#tea', Buffer.from(`text ${number}`), number, undefined);
    await stub.hears('text 99\r\n');
    expect(stub.pieces).toHaveLength(1);
    expect(stub.heard.startsWith('PRIVMSG #tea :text 0\r\nPRIVMSG #tea :text 1\r\n')).toBe(true);
  });

  it('does not report an incomplete message, and closes once', async () => {
    for (const end of ['end', 'reset'] as const) {
      const { stub, recorder } = await entered();
      stub.say(':ben!b@h PRIVMSG ann :one\r\n:ben!b@h PRIVMSG ann :tw');
      await recorder.has('message');
      stub[end]();
      await recorder.has('closed');
      const reason = end === 'end' ? 'the server closed the connection' : 'ECONNRESET';
      expect(recorder.events.slice(1)).toEqual([
        ['message', 'one', 0],
        ['closed', reason],
      ]);
    }
  });

  it('closes if a line never ends', async () => {
    const { stub, recorder } = await entered();
    stub.say('.'.repeat(5_000));
    expect(await recorder.has('closed')).toEqual([['closed', 'a line that is too long']]);
  });

  it('reports no more messages of a read in which it is destroyed', async () => {
    const { stub, recorder, connection } = await entered();
    recorder.message = function (...args) {
      Recorder.prototype.message.apply(this, args);
      connection.destroy();
    };
    stub.say(':ben!b@h PRIVMSG ann :one\r\n:ben!b@h PRIVMSG ann :two\r\n');
    await recorder.has('closed');
    expect(recorder.events.slice(1)).toEqual([
      ['message', 'one', 0],
      ['closed', ''],
    ]);
  });

  it('rejects where nobody listens', async () => {
    const { stub, recorder } = await connected();
    const { endpoint } = stub;
    await stub.stop();
    await expect(ircWire.connect(endpoint, recorder)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
