import { describe, expect, test } from 'vitest';
import { parseOptions } from './options.ts';

const problems = (...argv: string[]): readonly string[] => {
  const parsed = parseOptions(argv);
  return parsed.kind === 'problems' ? parsed.problems : [];
};

describe('the command line of create-tenant', () => {
  test('a name and an address are enough: an administrator who sets a password with a link', () => {
    expect(parseOptions(['--name', ' Example ', '--email=Ada@Example.ORG'])).toEqual({
      kind: 'options',
      options: {
        name: 'Example',
        email: 'ada@example.org',
        displayName: 'Ada@Example.ORG',
        role: 'admin',
        password: 'link',
        isNewLink: false,
      },
    });
  });

  test('all of it', () => {
    const argv = ['--name=E', '--email=a@b', '--display-name=Ada', '--operator', '--password-stdin'];
    expect(parseOptions(argv)).toMatchObject({
      kind: 'options',
      options: { displayName: 'Ada', role: 'operator', password: 'stdin' },
    });
  });

  test('help is not a mistake', () => {
    expect(parseOptions(['--help'])).toEqual({ kind: 'help' });
  });

  test.each<[what: string, argv: string[], says: string[]]>([
    ['nothing', [], ['--name is missing.', '--email is missing.']],
    ['no address', ['--name=E'], ['--email is missing.']],
    ['an empty name', ['--name=', '--email=a@b'], ['--name is not right']],
    ['a name of two lines', ['--name=a\nb', '--email=a@b'], ['--name is not right: This must be one line']],
    ['two addresses', ['--name=E', '--email=a@b,c@d'], ['--email is not right: Enter one plain address']],
    ['no address at all', ['--name=E', '--email=ada'], ['--email is not right: Enter one plain address']],
    ['two ways to a password', ['--name=E', '--email=a@b', '--password-stdin', '--new-link'], ['two ways']],
    ['an unknown option', ['--name=E', '--email=a@b', '--admin'], ["Unknown option '--admin'"]],
    ['a word too many', ['--name=E', '--email=a@b', 'x'], ['Unexpected argument']],
  ])('%s is refused, each mistake by its option', (_what, argv, says) => {
    const told = problems(...argv);
    expect(told).toHaveLength(says.length);
    for (const [at, text] of says.entries()) expect(told[at]).toContain(text);
  });

  test.each([['--password=hunter2 hunter2'], ['--password', 'hunter2 hunter2']])(
    'a password on the command line is refused and not repeated: %s',
    (...argv) => {
      const [told = ''] = problems('--name=E', '--email=a@b', ...argv);
      expect(told).toContain('--password-stdin');
      expect(told).not.toContain('hunter2');
    },
  );
});
