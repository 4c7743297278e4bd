/** GreenMail, the version and the options of docker-compose.dev.yml; only host and port numbers are this machine's. */
import { deliver } from '@mailstream/shared/testing/deliver';
import {
  GREENMAIL_VERSION,
  useGreenmail,
  type GreenmailSetup,
  type TestGreenmail,
} from '@mailstream/shared/testing/greenmail';
import { freePort } from '@mailstream/shared/local-stack/ports';
import { ImapFlow } from 'imapflow';
import { describe, expect, test } from 'vitest';
import { readCompose } from './container-files.ts';

const { greenmail: container, 'demo-mailbox': demo } = readCompose().services;
const imapsPort = await freePort();
const options: GreenmailSetup['options'] = ({ imap, smtp }) =>
  (container?.environment?.['GREENMAIL_OPTS'] ?? '')
    .split(' ')
    .map((option) =>
      option
        .replace('=0.0.0.0', '=127.0.0.1')
        .replace('=3143', `=${imap}`)
        .replace('=3025', `=${smtp}`)
        .replace('=3993', `=${imapsPort}`),
    );
const url = new URL(demo?.environment?.['DEMO_IMAP_URL'] ?? 'imap://unset');
const found = await useGreenmail({ options, waitForLogin: `${url.username} ${url.password}` });

describe.skipIf(found === null)('GreenMail of the compose file (needs Java and Maven)', () => {
  const account = { user: url.username, pass: url.password };
  const client = (port: number, secure: boolean, auth = account): ImapFlow =>
    new ImapFlow({
      host: '127.0.0.1',
      port,
      secure,
      tls: { rejectUnauthorized: false },
      auth,
      logger: false,
    });

  test('its image has the version that is run here', () => {
    expect(container?.image).toBe(`greenmail/standalone:${GREENMAIL_VERSION}`);
  });

  test('the demo login works on both IMAP ports, and sees mail for its address', async () => {
    const { smtpPort, imapPort } = found as TestGreenmail;
    await deliver({
      host: '127.0.0.1',
      port: smtpPort,
      protocol: 'smtp',
      from: 'sender@example.com',
      to: `${account.user}@localhost`,
      raw: Buffer.from('Subject: hello\r\n\r\nbody\r\n'),
    });
    for (const [port, secure] of [
      [imapPort, false],
      [imapsPort, true],
    ] as const) {
      const session = client(port, secure);
      await session.connect();
      try {
        expect((await session.mailboxOpen('INBOX', { readOnly: true })).exists).toBe(1);
      } finally {
        session.close();
      }
    }
  });

  test('another password is refused', async () => {
    const session = client((found as TestGreenmail).imapPort, false, { ...account, pass: 'wrong' });
    await expect(session.connect()).rejects.toThrow('Command failed');
    session.close();
  });
});
