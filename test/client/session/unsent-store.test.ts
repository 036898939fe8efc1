import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Unsent } from '../../../src/client/session/send-queue.ts';
import { accountFolder, stateFolder } from '../../../src/client/session/state-folder.ts';
import { UnsentStore } from '../../../src/client/session/unsent-store.ts';
import { testFolder } from '../../support/folder.ts';

const root = testFolder();
const address = { host: '127.0.0.1', port: 4040 };
let folders = 0;

/** A folder for each test, and a store there for each run of a client. */
function account(): { folder: string; run(user?: string): UnsentStore; files(): string[] } {
  folders += 1;
  const folder = join(root, String(folders));
  return {
    folder,
    run: (user = 'ada') => new UnsentStore(address, user, folder),
    files: () => readdirSync(folder).sort(),
  };
}

function message(key: string, at = 1): Unsent {
  return { key, to: '#tea', text: `text of ${key}\n// two lines`, at, wasSent: true };
}

describe('UnsentStore', () => {
  it('gives the next run what the last one saved, in order, private to its owner', () => {
    const { folder, run, files } = account();
    expect(run().load()).toEqual({ messages: [], problems: [] });
    const messages = [message('b', 5), message('a', 5), message('c', 4)];
    expect(run().save(messages).type).toBe('kept');
    expect(run().load()).toEqual({ messages, problems: [] });
    const [file = ''] = files();
    expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it('deletes them when the run that took them over has nothing left, and not before', () => {
    const { run, files } = account();
    run().save([message('a'), message('b')]);
    const second = run();
    second.load();
    // It is killed here: the third run finds them as well.
    const third = run();
    expect(third.load().messages).toHaveLength(2);
    third.save([message('b')]);
    expect(run().load().messages).toEqual([message('b')]);
    const last = run();
    last.load();
    last.save([]);
    expect(files()).toEqual([]);
  });

  it('keeps messages of two clients of one account apart', () => {
    const { run } = account();
    const first = run();
    const second = run();
    first.load();
    second.load();
    first.save([message('a', 1)]);
    second.save([]);
    second.save([message('b', 2)]);
    expect(run().load().messages).toEqual([message('a', 1), message('b', 2)]);
    // Both take over everything, and both end with some of it: nothing is there twice.
    const third = run();
    const fourth = run();
    third.load();
    fourth.load();
    third.save([message('a', 1)]);
    fourth.save([message('a', 1), message('b', 2)]);
    expect(run().load().messages).toEqual([message('a', 1), message('b', 2)]);
  });

  it('keeps messages set aside together with unsent ones', () => {
    const { run } = account();
    const store = run();
    store.setAside([message('old')]);
    store.save([message('new', 2)]);
    expect(run().load().messages).toEqual([message('old'), message('new', 2)]);
  });

  it('renames a damaged file, and reports it', () => {
    const { folder, run, files } = account();
    run().save([message('a')]);
    const [file = ''] = files();
    const whole = readFileSync(join(folder, file), 'utf8');
    for (const damage of [
      '',
      whole.slice(0, -20),
      'null',
      whole.replace('"key":"a"', '"key":""'),
      whole.replace('#tea', '#'),
      whole.replace('"version":1', '"version":2'),
    ]) {
      writeFileSync(join(folder, file), damage);
      const { messages, problems } = run().load();
      expect(messages).toEqual([]);
      expect(problems).toEqual([expect.stringContaining(`${file}.damaged`)]);
      expect(readFileSync(join(folder, `${file}.damaged`), 'utf8')).toBe(damage);
    }
  });

  it('ignores files that another user may have written, or of another account', () => {
    const { folder, run, files } = account();
    run('bob').save([message('a')]);
    const [file = ''] = files();
    expect(run().load()).toEqual({ messages: [], problems: [expect.stringContaining('belongs to bob on')] });
    chmodSync(join(folder, file), 0o666);
    expect(run('bob').load().problems).toEqual([expect.stringContaining('other users can write to it')]);
    symlinkSync(join(folder, file), join(folder, 'unsent-0123456789abcdef.json'));
    mkdirSync(join(folder, 'unsent-0123456789abcdee.json'));
    const { messages, problems } = run('bob').load();
    expect(messages).toEqual([]);
    expect(problems).toHaveLength(3);
    run('bob').save([]);
    expect(files()).toHaveLength(3);
  });

  it('says why it cannot save them', () => {
    const { folder, run } = account();
    writeFileSync(folder, 'not a folder');
    expect(run().save([message('a')])).toEqual({ type: 'failed', text: expect.stringContaining(folder) });
    expect(run().load()).toEqual({ messages: [], problems: [] });
  });
});

describe('the folder of an account', () => {
  it('is in the state folder, one per server and user', () => {
    const state = stateFolder({ XDG_STATE_HOME: '/state' });
    expect(state).toBe('/state/parley');
    expect(stateFolder({ XDG_STATE_HOME: 'relative', HOME: '/home/ada' })).toMatch(
      /^\/.*\.local\/state\/parley$/,
    );
    const of = (host: string, port: number, user: string) => accountFolder({ host, port }, user, state);
    expect(of('chat.example.org', 4040, 'Ada')).toBe('/state/parley/chat.example.org%3A4040/ada');
    expect(of('::1', 4040, 'ada')).toMatch(/^\/state\/parley\/[^/]+\/ada$/);
    expect(of('../..', 1, 'ada')).toMatch(/^\/state\/parley\/[^/]+\/ada$/);
  });
});
