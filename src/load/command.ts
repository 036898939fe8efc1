/** `parley load` on the command line: its commands, flags and their limits. Loads the rest only when it is asked for. */

import { type Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { EXIT } from '../common/exit.ts';

/** The names of `wires.ts`, which is not loaded for them. */
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
    .description('Load a server, measure what it carries, and count what got lost.')
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
    .description('The scenarios that there are.')
    .exitOverride()
    .action(async () => {
      const { listScenarios } = await import('./scenario/list-scenarios.ts');
      process.exitCode = await listScenarios();
    });
  load
    .command('show')
    .description('Print a scenario as JSON: the beginning of one of your own.')
    .exitOverride()
    .argument('<scenario>', 'a name, or a .json file')
    .action(async (name: string) => {
      const { showScenario } = await import('./scenario/list-scenarios.ts');
      process.exitCode = await showScenario(name);
    });
  load
    .command('compare')
    .description('Two results side by side.')
    .exitOverride()
    .argument('<A.json>')
    .argument('<B.json>')
    .action(async (a: string, b: string) => {
      const { compareFiles } = await import('./result/compare-files.ts');
      process.exitCode = await compareFiles(a, b);
    });
  load
    .command('prepare')
    .description('Make a data folder whose accounts a run can log in to.')
    .exitOverride()
    .requiredOption('--data <folder>', 'where; made if it is not there')
    .requiredOption('--users <number>', 'how many accounts', whole(1, 10_000_000))
    .option('--password-file <file>', 'a file whose first line is the password of all of them')
    .option('--cheap', 'passwords that cost next to nothing to check', false)
    .action(async (values: unknown) => {
      const { prepare } = await import('./run/prepare.ts');
      const { cheap, ...options } = prepareOptions.parse(values);
      process.exitCode = await prepare({ ...options, cost: cheap ? 'cheap' : 'usual' });
    });
}

function addRun(load: Command): void {
  addFlags(load.command('run', { isDefault: true }))
    .description('Run a scenario: this is what "parley load" does by itself.')
    .argument('[scenario]', 'a name ("parley load list") or a .json file', 'rooms')
    .option(
      '--expect <threshold>',
      'what has to hold, such as "p99<50ms" or "lost==0"; may be repeated',
      collect,
      [],
    )
    .option('--abort-on-fail', 'end as soon as a threshold is missed', false)
    .option('--json <file>', 'write the result')
    .option('--html <file>', 'write a report with charts')
    .action(async (scenario: string, values: unknown) => {
      const { load: run } = await import('./run/load.ts');
      process.exitCode = await run({ scenario, ...runOptions.parse(values) });
      leave();
    });
}

function addCapacity(load: Command): void {
  addFlags(load.command('capacity'))
    .description('Find out how many users this server carries.')
    .argument('[scenario]', 'whose users, rooms and habits are taken', 'rooms')
    .option(
      '--expect <threshold>',
      'until which the load is raised; may be repeated (p99<100ms)',
      collect,
      [],
    )
    .option('--json <file>', 'write the results of all steps')
    .action(async (scenario: string, values: unknown) => {
      const { capacity } = await import('./capacity/capacity.ts');
      const options = runOptions.parse({ abortOnFail: false, ...Object(values) });
      process.exitCode = await capacity({ scenario, ...options });
      leave();
    });
}

/** What runs and capacity have in common. */
function addFlags(command: Command): Command {
  return command
    .exitOverride()
    .option('--server <address>', 'HOST or HOST:PORT; without it a server is started for the run')
    .addOption(new Option('--protocol <name>', 'what the server speaks').choices(PROTOCOLS).default('parley'))
    .option('--i-may-load <host>', 'that host is not this machine, and you may load it')
    .option('--pid <number>', 'the server’s process, where it cannot be found by its port', whole(1, 2 ** 31))
    .option(
      '--accounts <number>',
      'log in as load-1, load-2, … ("parley load prepare"); without it as guests',
      whole(1, 10_000_000),
    )
    .option('--password-file <file>', 'their password, if it is not the usual one')
    .option('--users <number>', 'how many take part', whole(1, 1_000_000))
    .option('--rate <number>', 'messages a second, of all together', decimal(0.001, 10_000_000))
    .option(
      '--closed <number>',
      'a closed loop with so many messages in flight in each conversation',
      whole(1, 10_000),
    )
    .option('--room <number>', 'members of each room', whole(2, 100_000))
    .option('--seconds <number>', 'how long is measured', decimal(0.1, 604_800))
    .option('--text <bytes>', 'length of each message', whole(1, 8_192))
    .option('--seed <number>', 'repeats what was drawn by chance', whole(0, 2 ** 31))
    .option('--threads <number>', 'of the generator; half the cores if left out', whole(1, 64))
    .option('--workers <number>', 'of the server that is started', whole(1, 256))
    .option('--quiet', 'tell nothing while it runs', false);
}

const EXAMPLES = `
Examples:
  parley load                                   a server of its own, 200 people in rooms of 25
  parley load office --html report.html         a mixed day, and a report with charts
  parley load rooms --users 500 --expect 'p99<50ms' --expect 'lost==0'
  parley load capacity                          how many users this machine carries`;

function collect(text: string, before: readonly string[]): string[] {
  return [...before, text];
}

function whole(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It is a whole number from ${min} to ${max}.`);
  };
}

function decimal(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d*\.?\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It is a number from ${min} to ${max}.`);
  };
}

/** Sockets that are being closed need not be waited for. */
function leave(): void {
  process.exit(process.exitCode ?? EXIT.ok);
}
