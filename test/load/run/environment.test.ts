import { describe, expect, it } from 'vitest';
import { resultSchema } from '../../../src/load/result/result.ts';
import { commandOf, environmentOf } from '../../../src/load/run/environment.ts';

describe('the environment of a run', () => {
  it('is what a result has', () => {
    const environment = environmentOf(['load', 'run']);
    expect(resultSchema.shape.environment.parse(environment)).toEqual(environment);
    expect(environment.command).toBe('parley load run');
    expect(environment.cores).toBeGreaterThan(0);
    expect(environment.memoryBytes).toBeGreaterThan(2 ** 20);
    if (process.platform === 'linux') expect(environment.openFiles).toBeGreaterThan(100);
    expect(JSON.parse(JSON.stringify(environment))).toEqual(environment);
  });

  it.each([
    [['load', '--users', '5'], 'parley load --users 5'],
    [['--password-file', '/a/b', '--password-file=c'], 'parley --password-file /a/b --password-file=c'],
    [['--password', 'x y', '--seed', '1'], 'parley --password *** --seed 1'],
    [
      ['--password=x=y', '--api-token=z', '--token', 'q'],
      'parley --password=*** --api-token=*** --token ***',
    ],
    [['--password', '--seed', '1'], 'parley --password --seed 1'],
    [["it's", '', '$HOME', '*'], "parley 'it'\\''s' '' '$HOME' '*'"],
  ])('has the command line without secrets: %j', (args, command) => {
    expect(commandOf(args)).toBe(command);
  });
});
