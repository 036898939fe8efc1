/** The command line of `parley load`: its commands, flags and their limits. Other modules are loaded on demand. */

import { type Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { EXIT } from '../common/exit.ts';

/** The names in `wires.ts`, repeated here so that it need not be loaded. */
const PROTOCOLS = ['parley', 'irc'];

const number = z.number().optional();

const runOptions = z.object({
  server: z.string().optional(),
  protocol: z.string(),
  iMayLoad: z.string().optional(),
  pid: number,
  accounts: number,
  passwordFile: z.string().optional(),
  users: number,
  rate: number,
  closed: number,
  room: number,
  seconds: number,
  text: number,
  seed: number,
  threads: number,
  workers: number,
  json: z.string().optional(),
  html: z.string().optional(),
  expect: z.array(z.string()),
  abortOnFail: z.boolean(),
  quiet: z.boolean(),
});

const prepareOptions = z.object({
  data: z.string(),
  users: z.number(),
  passwordFile: z.string().optional(),
  cheap: z.boolean(),
});

export function addLoad(program: Command): void {
  const load = program
    .command('load')
    .description('Put load on a server, measure how much it carries, and count lost messages.')
    .exitOverride()
    .hook('preAction', async () => {
      const { guardStreams } = await import('./run/output.ts');
      guardStreams();
    })
    .addHelpText('after', EXAMPLES);
  addRun(load);
  addCapacity(load);
  load
    .command('list')
    .description('List the scenarios.')
    .exitOverride()
    .action(async () => {
      const { listScenarios } = await import('./scenario/list-scenarios.ts');
      process.exitCode = await listScenarios();
    });
  load
    .command('show')
    .description('Print a scenario as JSON, as a start for one of your own.')
    .exitOverride()
    .argument('<scenario>', 'a name, or a .json file')
    .action(async (name: string) => {
      const { showScenario } = await import('./scenario/list-scenarios.ts');
      process.exitCode = await showScenario(name);
    });
  load
    .command('compare')
    .description('Compare two results.')
    .exitOverride()
    .argument('<A.json>')
    .argument('<B.json>')
    .action(async (a: string, b: string) => {
      const { compareFiles } = await import('./result/compare-files.ts');
      process.exitCode = await compareFiles(a, b);
    });
  load
    .command('prepare')
    .description('Create a data folder with accounts for load tests.')
    .exitOverride()
    .requiredOption('--data <folder>', 'the folder; created if it does not exist')
    .requiredOption('--users <number>', 'number of accounts', whole(1, 10_000_000))
    .option('--password-file <file>', 'file whose first line is the password of all accounts')
    .option('--cheap', 'make passwords cheap to check', false)
    .action(async (values: unknown) => {
      const { prepare } = await import('./run/prepare.ts');
      const { cheap, ...options } = prepareOptions.parse(values);
      process.exitCode = await prepare({ ...options, cost: cheap ? 'cheap' : 'usual' });
    });
}

function addRun(load: Command): void {
  addFlags(load.command('run', { isDefault: true }))
    .description('Run a scenario (the default command).')
    .argument('[scenario]', 'a name ("parley load list") or a .json file', 'rooms')
    .option(
      '--expect <threshold>',
      'threshold to meet, such as "p99<50ms" or "lost==0"; may be repeated',
      collect,
      [],
    )
    .option('--abort-on-fail', 'end the run as soon as a threshold is missed', false)
    .option('--json <file>', 'write the result as JSON')
    .option('--html <file>', 'write a report with charts')
    .action(async (scenario: string, values: unknown) => {
      const { load: run } = await import('./run/load.ts');
      process.exitCode = await run({ scenario, ...runOptions.parse(values) });
      exit();
    });
}

function addCapacity(load: Command): void {
  addFlags(load.command('capacity'))
    .description('Find out how many users a server carries.')
    .argument('[scenario]', 'scenario that defines rooms and message rates', 'rooms')
    .option(
      '--expect <threshold>',
      'threshold that limits the load; may be repeated (default: p99<100ms)',
      collect,
      [],
    )
    .option('--json <file>', 'write the results of all steps as JSON')
    .action(async (scenario: string, values: unknown) => {
      const { capacity } = await import('./capacity/capacity.ts');
      const options = runOptions.parse({ abortOnFail: false, ...Object(values) });
      process.exitCode = await capacity({ scenario, ...options });
      exit();
    });
}

/** Adds the flags that `run` and `capacity` have in common. */
function addFlags(command: Command): Command {
  return command
    .exitOverride()
    .option('--server <address>', 'HOST or HOST:PORT (default: start a server for the run)')
    .addOption(new Option('--protocol <name>', 'protocol of the server').choices(PROTOCOLS).default('parley'))
    .option('--i-may-load <host>', 'confirm that you may load this host, which is not this machine')
    .option('--pid <number>', 'process of the server, if it cannot be found by its port', whole(1, 2 ** 31))
    .option(
      '--accounts <number>',
      'log in as load-1, load-2, … ("parley load prepare") instead of as guests',
      whole(1, 10_000_000),
    )
    .option('--password-file <file>', 'file with their password, if it is not the default')
    .option('--users <number>', 'number of users', whole(1, 1_000_000))
    .option('--rate <number>', 'messages per second, over all users', decimal(0.001, 10_000_000))
    .option(
      '--closed <number>',
      'use a closed loop with that many messages in flight in each conversation',
      whole(1, 10_000),
    )
    .option('--room <number>', 'members per room', whole(2, 100_000))
    .option('--seconds <number>', 'how long to measure', decimal(0.1, 604_800))
    .option('--text <bytes>', 'length of each message', whole(1, 8_192))
    .option('--seed <number>', 'seed of the random choices, to repeat a run', whole(0, 2 ** 31))
    .option('--threads <number>', 'generator threads (default: half the number of cores)', whole(1, 64))
    .option('--workers <number>', 'worker threads of the server that is started', whole(1, 256))
    .option('--quiet', 'show no progress', false);
}

const EXAMPLES = `
Examples:
  parley load                                   200 users in rooms of 25, on a server of its own
  parley load office --html report.html         a mixed workload, with a report and charts
  parley load rooms --users 500 --expect 'p99<50ms' --expect 'lost==0'
  parley load capacity                          how many users this machine can carry`;

function collect(text: string, before: readonly string[]): string[] {
  return [...before, text];
}

function whole(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
  };
}

function decimal(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d*\.?\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Expected a number from ${min} to ${max}.`);
  };
}

/** Exits without waiting for sockets that are still closing. */
function exit(): void {
  process.exit(process.exitCode ?? EXIT.ok);
}
