/** The command line of `create-tenant`. Pure. */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { line } from '../contracts/text.ts';
import { userBodySchema, type Role } from '../contracts/users.ts';

export interface Options {
  readonly name: string;
  readonly email: string;
  readonly displayName: string;
  readonly role: Role;
  /** How the user gets a password: read now, or a link that is good once and for three days. */
  readonly password: 'stdin' | 'link';
  /** For a user who is here already: another link. */
  readonly isNewLink: boolean;
}

export type Parsed =
  | { readonly kind: 'options'; readonly options: Options }
  | { readonly kind: 'help' }
  | { readonly kind: 'problems'; readonly problems: readonly string[] };

export const USAGE = `Makes a tenant and its first user, who can let others in.

  npm run -w server create-tenant -- --name=NAME --email=ADDRESS [options]
  node server/dist/create-tenant/main.js --name=NAME --email=ADDRESS [options]     (in the image of the server)

  --name=NAME            of the tenant: the company or team whose mail this is
  --email=ADDRESS        of its first user
  --display-name=NAME    of the user (default: the address)
  --operator             the user also sees the whole installation, as one of the first tenant should
  --password-stdin       reads the password from the standard input, or asks for it at a terminal;
                         without it a link is printed with which the user sets one, once, within three days
  --new-link             for a user who is here already and lost the link or the password: prints another link

Needs DATABASE_URL (the login of the services), and PUBLIC_URL for links that can be sent as they are.
What is here already is left as it is. Exit codes: 0 made, or here already; 1 the database refused; 64 called wrongly; 78 wrong settings.
`;

const PASSWORD_ON_COMMAND_LINE =
  '--password is refused: whoever is on this machine can read command lines. Use --password-stdin, or neither and send the link.';

const inputSchema = z.object({
  name: line(255),
  email: userBodySchema.shape.email,
  displayName: userBodySchema.shape.displayName,
});

export function parseOptions(argv: readonly string[]): Parsed {
  if (argv.some((word) => /^--password(=|$)/.test(word)))
    return { kind: 'problems', problems: [PASSWORD_ON_COMMAND_LINE] };
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        name: { type: 'string' },
        email: { type: 'string' },
        'display-name': { type: 'string' },
        operator: { type: 'boolean', default: false },
        'password-stdin': { type: 'boolean', default: false },
        'new-link': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) return { kind: 'help' };
    const input = inputSchema.safeParse({
      name: values.name,
      email: values.email,
      displayName: values['display-name'] ?? values.email,
    });
    const problems = input.success ? [] : problemsOf(input.error, values);
    if (values['password-stdin'] && values['new-link'])
      problems.push('--password-stdin and --new-link are two ways to a password: give one of them.');
    if (!input.success || problems.length > 0) return { kind: 'problems', problems };
    return {
      kind: 'options',
      options: {
        ...input.data,
        role: values.operator ? 'operator' : 'admin',
        password: values['password-stdin'] ? 'stdin' : 'link',
        isNewLink: values['new-link'],
      },
    };
  } catch (error) {
    // Of parseArgs: an option that there is not, or a word too many.
    return { kind: 'problems', problems: [error instanceof Error ? error.message : String(error)] };
  }
}

const FLAGS: Readonly<Record<string, string>> = {
  name: '--name',
  email: '--email',
  displayName: '--display-name',
};

/** One sentence for each option that is wrong; nothing about a name that is only missing because the address is. */
function problemsOf(
  error: z.ZodError,
  values: { readonly name?: string; readonly email?: string },
): string[] {
  const problems = new Map<string, string>();
  for (const { path, message } of error.issues) {
    const field = String(path[0]);
    if (field === 'displayName' && values.email === undefined) continue;
    const isMissing = field !== 'displayName' && values[field as 'name' | 'email'] === undefined;
    problems.set(
      field,
      isMissing ? `${FLAGS[field]} is missing.` : `${FLAGS[field]} is not right: ${message}`,
    );
  }
  return [...problems.values()];
}
