import { describe, expect, it } from 'vitest';
import { WaitFor } from '../../../src/client/reader/wait-for.ts';

function watch() {
  let matches = 0;
  const watching = new WaitFor(() => {
    matches += 1;
  });
  return { watching, matches: () => matches };
}

describe('WaitFor', () => {
  it('finds a later line, once', () => {
    const { watching, matches } = watch();
    watching.begin('tea');
    watching.add('bob: coffee');
    expect(matches()).toBe(0);
    watching.add('bob: tea');
    watching.add('bob: tea');
    expect(matches()).toBe(1);
  });

  it('finds an earlier line, after the last match', () => {
    const { watching, matches } = watch();
    for (const line of ['one', 'two', 'three']) watching.add(line);
    watching.begin('two');
    expect(matches()).toBe(1);
    watching.begin('one');
    expect(matches()).toBe(1);
    watching.end();
    watching.add('one');
    expect(matches()).toBe(1);
    watching.begin('three');
    watching.begin('one');
    expect(matches()).toBe(3);
  });

  it('keeps the lines that a failed wait has passed over', () => {
    const { watching, matches } = watch();
    watching.add('one');
    watching.begin('never');
    watching.add('two');
    watching.end();
    watching.begin('one');
    watching.begin('two');
    expect(matches()).toBe(2);
  });

  it('forgets the oldest lines', () => {
    const { watching, matches } = watch();
    for (let i = 0; i < 1_001; i += 1) watching.add(`line ${i}.`);
    watching.begin('line 0.');
    expect(matches()).toBe(0);
  });
});
