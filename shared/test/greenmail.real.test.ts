import { deliver } from '@mailstream/shared/testing/deliver';
import { useGreenmail, type TestGreenmail } from '@mailstream/shared/testing/greenmail';
import { ImapFlow } from 'imapflow';
import { describe, expect, test } from 'vitest';

const found = await useGreenmail();

describe.skipIf(found === null)('GreenMail (needs Java and Maven)', () => {
  test('mail over SMTP lands in the mailbox of its address', async () => {
    const greenmail = found as TestGreenmail;
    const user = greenmail.newUser();
    await deliver({
      host: greenmail.host,
      port: greenmail.smtpPort,
      protocol: 'smtp',
      from: 'sender@example.com',
      to: user,
      raw: Buffer.from('Subject: hello\r\n\r\nbody\r\n'),
    });
    const client = new ImapFlow({
      host: greenmail.host,
      port: greenmail.imapPort,
      secure: false,
      auth: { user, pass: greenmail.password },
      logger: false,
    });
    await client.connect();
    try {
      expect((await client.mailboxOpen('INBOX', { readOnly: true })).exists).toBe(1);
      const message = await client.fetchOne('1', { source: true });
      expect(message ? message.source?.toString() : '').toContain('Subject: hello\r\n');
    } finally {
      client.close();
    }
  });
});
