import { describe, expect, it } from 'vitest';
import { connectionSettings } from './connection-settings.ts';

describe('connection settings', () => {
  it.each(['prefer', 'allow', 'require', 'verify-ca', 'verify-full'])(
    'checks the certificate whole for sslmode=%s',
    (mode) => {
      expect(connectionSettings(`postgres://u:p@h/d?sslmode=${mode}`).connectionString).toBe(
        'postgres://u:p@h/d?sslmode=verify-full',
      );
    },
  );

  it.each([
    'postgres://u:p@h:5432/d',
    'postgres://u:p@h/d?sslmode=disable',
    'postgres://u:p@h/d?sslmode=no-verify',
  ])('leaves %s as it is', (url) => expect(connectionSettings(url)).toEqual({ connectionString: url }));

  it('lets an explicit setting replace what the URL says', () => {
    expect(connectionSettings('postgres://u:p@h/d?sslmode=disable&sslrootcert=/x', true)).toEqual({
      connectionString: 'postgres://u:p@h/d',
      ssl: true,
    });
  });

  it('does not repeat a bad URL', () => {
    expect(() => connectionSettings('canary')).toThrow(/^the database URL is not a URL$/);
  });
});
