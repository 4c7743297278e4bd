/** `npm run -w server create-tenant`: see `options.ts` for how it is called and its exit codes. */
import { ConfigError, EXIT_CONFIG } from '@mailstream/shared/runtime/env';
import { run } from './compose.ts';
import { readConfig } from './config.ts';
import { failureText } from './failure-text.ts';
import { parseOptions, USAGE } from './options.ts';

/** EX_USAGE of sysexits.h. */
const EXIT_USAGE = 64;

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  const parsed = parseOptions(argv);
  if (parsed.kind === 'help') return tell(process.stdout, USAGE, 0);
  if (parsed.kind === 'problems')
    return tell(process.stderr, `${parsed.problems.join('\n')}\n\n${USAGE}`, EXIT_USAGE);
  try {
    const terminal = { input: process.stdin, output: process.stderr, isInteractive: process.stdin.isTTY };
    const { isDone, lines } = await run(readConfig(process.env), parsed.options, terminal);
    return tell(isDone ? process.stdout : process.stderr, `${lines.join('\n')}\n`, isDone ? 0 : EXIT_USAGE);
  } catch (error) {
    if (error instanceof ConfigError)
      return tell(process.stderr, `create-tenant: ${error.message}\n`, EXIT_CONFIG);
    const { text, exitCode } = failureText(error);
    return tell(process.stderr, `${text}\n`, exitCode);
  }
}

function tell(stream: NodeJS.WritableStream, text: string, exitCode: number): number {
  stream.write(text);
  return exitCode;
}
