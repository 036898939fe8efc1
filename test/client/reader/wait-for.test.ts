import { describe, expect, it } from 'vitest';
import { Watch } from '../../../src/client/reader/wait-for.ts';

function watch() {
  let matches = 0;
  const watching = new Watch(() => {
    matches += 1;
  });
  return { watching, matches: () => matches };
}

describe('Watch', () => {
  it('finds what comes later, once', () => {
    const { watching, matches } = watch();
    watching.begin('tea');
    watching.saw('bob: coffee');
    expect(matches()).toBe(0);
    watching.saw('bob: tea');
    watching.saw('bob: tea');
    expect(matches()).toBe(1);
  });

  it('finds what came before, from behind the last match', () => {
    const { watching, matches } = watch();
    for (const line of ['one', 'two', 'three']) watching.saw(line);
    watching.begin('two');
    expect(matches()).toBe(1);
    watching.begin('one');
    expect(matches()).toBe(1);
    watching.end();
    watching.saw('one');
    expect(matches()).toBe(1);
    watching.begin('three');
    watching.begin('one');
    expect(matches()).toBe(3);
  });

  it('keeps what came behind a match for the next wait', () => {
    const { watching, matches } = watch();
    for (const line of ['one', 'two', 'three']) watching.saw(line);
    watching.begin('one');
    watching.begin('three');
    expect(matches()).toBe(2);
  });

  it('keeps what a wait in vain has passed over', () => {
    const { watching, matches } = watch();
    watching.saw('one');
    watching.begin('never');
    watching.saw('two');
    watching.end();
    watching.begin('one');
    watching.begin('two');
    expect(matches()).toBe(2);
  });

  it('forgets the oldest lines', () => {
    const { watching, matches } = watch();
    for (let i = 0; i < 1_001; i += 1) watching.saw(`line ${i}.`);
    watching.begin('line 0.');
    expect(matches()).toBe(0);
  });
});
