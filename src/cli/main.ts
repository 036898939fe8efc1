/**
 * The command line: `parley serve`, `parley connect` and `parley load`. Flags override environment variables, which
 * override defaults.
 */

import { isIPv6 } from 'node:net';
import { availableParallelism } from 'node:os';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { EXIT } from '../common/exit.ts';
import { LOG_LEVELS } from '../common/log.ts';
import { VERSION } from '../common/version.ts';
import { addLoad } from '../load/command.ts';

const cores = availableParallelism();

const serveOptions = z.object({
  host: z.string().min(1),
  port: z.number(),
  workers: z.number(),
  hashWorkers: z.number(),
  data: z.string().min(1),
  guests: z.boolean(),
  logLevel: z.enum(LOG_LEVELS),
  outboxLimit: z.number(),
  commandsPerSecond: z.number(),
  keep: z.union([z.number(), z.literal(Number.POSITIVE_INFINITY)]),
});

const connectOptions = z.object({
  display: z.string().min(1).optional(),
  user: z.string().optional(),
  passwordFile: z.string().optional(),
  register: z.boolean(),
  guest: z.boolean(),
  open: z.boolean(),
  json: z.boolean(),
  force: z.boolean(),
});

/** Runs the program named by the arguments. Returns when it is done, or once the server is running. */
export async function main(argv: readonly string[]): Promise<void> {
  // A failure to write to stderr must not end the program.
  process.stderr.on('error', () => {});
  const program = new Command('parley')
    .description('A chat server and its terminal client: type in the terminal, read in the browser.')
    .version(VERSION)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError();
  addServe(program);
  addConnect(program);
  addLoad(program);
  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
}

function addServe(program: Command): void {
  program
    .command('serve')
    .description('Run the chat server.')
    .exitOverride()
    .addOption(flag('--host <address>', 'address to listen on', 'HOST', host).default('127.0.0.1'))
    .addOption(
      flag('--port <number>', 'port to listen on; 0 picks a free one', 'PORT', number(0, 65_535)).default(
        4040,
      ),
    )
    .addOption(
      flag('--workers <number>', 'threads that serve connections', 'WORKERS', number(1, 256)).default(
        Math.max(1, cores - 1),
        'cores − 1',
      ),
    )
    .addOption(
      flag('--hash-workers <number>', 'threads that check passwords', 'HASH_WORKERS', number(1, 64)).default(
        Math.max(1, Math.floor(cores / 2)),
        'half the cores',
      ),
    )
    .addOption(flag('--data <folder>', 'folder for accounts and messages', 'DATA').default('./parley-data'))
    .addOption(
      flag('--guests [on]', 'allow guests, who log in without a password', 'GUESTS', truth)
        .preset('on')
        .default(false),
    )
    .addOption(
      flag('--log-level <level>', 'lowest level to log', 'LOG_LEVEL').choices(LOG_LEVELS).default('info'),
    )
    .addOption(
      flag(
        '--outbox-limit <bytes>',
        'send buffer per client; a client that exceeds it is disconnected',
        'OUTBOX_LIMIT',
        number(65_536, 1_073_741_824),
      ).default(1_048_576),
    )
    .addOption(
      flag(
        '--commands-per-second <number>',
        'sustained rate limit per connection; 0 disables it',
        'COMMANDS_PER_SECOND',
        number(0, 1_000_000),
      ).default(1_000),
    )
    .addOption(
      flag(
        '--keep <age>',
        'message retention, such as 90d, 12w or 2y; older messages are removed',
        'KEEP',
        age,
      ).default(Number.POSITIVE_INFINITY, 'forever'),
    )
    .addHelpText(
      'after',
      '\nEvery option can also be set as an environment variable: --hash-workers is PARLEY_HASH_WORKERS.',
    )
    .action(async (values: unknown) => {
      const { serve } = await import('../server/serve.ts');
      const { keep, ...options } = serveOptions.parse(values);
      await serve({ ...options, keepMs: keep });
    });
}

function addConnect(program: Command): void {
  program
    .command('connect')
    .description('Chat: type in the terminal, and read in the display file, opened in a browser.')
    .exitOverride()
    .argument('[address]', 'HOST or HOST:PORT of the server')
    .option('--display <file>', 'the .html file that shows everything received')
    .option('--user <name>', 'the account to log in to')
    .option('--password-file <file>', 'a file whose first line is the password')
    .option('--register', 'create the account first', false)
    .option('--guest', 'log in without a password, if the server allows guests', false)
    .option('--open', 'open the display in the browser', false)
    .option('--json', 'print every event as one JSON line on stdout', false)
    .option('--force', 'overwrite a display file that is not one of Parley’s', false)
    .action(async (address: string | undefined, values: unknown) => {
      const { connect } = await import('../client/connect.ts');
      process.exitCode = await connect({ address, ...connectOptions.parse(values) });
    });
}

function flag<T>(flags: string, description: string, variable: string, parse?: (text: string) => T): Option {
  const option = new Option(flags, description).env(`PARLEY_${variable}`);
  return parse === undefined ? option : option.argParser(parse);
}

/** An IPv6 address may be in brackets. */
function host(text: string): string {
  const [, inside] = /^\[(.*)\]$/.exec(text) ?? [];
  const address = inside ?? text;
  if (isIPv6(address)) return address;
  if (inside === undefined && /^[^\s:[\]/]+$/.test(address)) return address;
  throw new InvalidArgumentError(
    'Use a name or an IP address, such as 0.0.0.0 or [::]; set the port with --port.',
  );
}

function number(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Use a whole number from ${min} to ${max}.`);
  };
}

const DAY_MS = 24 * 60 * 60 * 1_000;
const DAYS = { d: 1, w: 7, y: 365 } as const;

/** In milliseconds. At least a day, because message keys are remembered that long. */
function age(text: string): number {
  if (text === 'forever') return Number.POSITIVE_INFINITY;
  const [, count, unit] = /^([1-9]\d{0,4})([dwy])$/.exec(text) ?? [];
  if (unit === 'd' || unit === 'w' || unit === 'y') return Number(count) * DAYS[unit] * DAY_MS;
  throw new InvalidArgumentError('Use a number of days, weeks or years (90d, 12w, 2y), or "forever".');
}

/** For a switch that can also be turned on and off in the environment. */
function truth(text: string): boolean {
  if (['1', 'true', 'yes', 'on'].includes(text.toLowerCase())) return true;
  if (['', '0', 'false', 'no', 'off'].includes(text.toLowerCase())) return false;
  throw new InvalidArgumentError('Use "true" or "false".');
}
