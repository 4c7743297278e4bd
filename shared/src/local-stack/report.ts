/** What a person sees when everything runs. */
import type { Arrival } from './sample-mail.ts';
import type { StackInfo } from './stack-info.ts';

export function summary(info: StackInfo, arrival: Arrival, seconds: number): string {
  const rows: readonly (readonly [string, string])[] = [
    ['Settings UI', info.ui],
    ['  log in with', `${info.login.email}   ${info.login.password}`],
    ['API', `${info.api}/api/docs`],
    ['  token', info.apiToken],
    ['Email service', `${info.emailService}/health`],
    ['Worker', `${info.worker}/health`],
    ['IMAP', `${info.imap.host}:${info.imap.port}   ${info.imap.user}   ${info.imap.password}`],
    [info.smtp.lmtp ? 'Send mail (LMTP)' : 'Send mail (SMTP)', `${info.smtp.host}:${info.smtp.port}`],
    ['Redis stream', `${info.stream}   ${info.redisUrl}`],
    ['PostgreSQL', info.databaseUrl],
    ['Logs', '.data/logs/'],
  ];
  const table = rows.map(([name, value]) => `  ${name.padEnd(18)} ${value}`).join('\n');
  return `\nMailstream is ready after ${seconds.toFixed(1)} s.\n\n${table}\n\n${sampleEvent(arrival)}\n\nCtrl-C stops everything.`;
}

/** The sample's own data; nothing here comes from a stranger's mail. */
function sampleEvent({ entryId, eventId, payload, latencyMs, ticketNumber }: Arrival): string {
  const { emailData } = payload;
  const shown = {
    event_id: eventId,
    providerId: payload.providerId,
    id: emailData.id,
    from: emailData.from,
    subject: emailData.subject,
    receivedAt: emailData.receivedAt,
    folder: emailData.folder,
    uid: emailData.uid,
    uidValidity: emailData.uidValidity,
    attachments: emailData.attachments.map(({ name, contentType, size }) => ({ name, contentType, size })),
    raw: emailData.raw,
  };
  const text = JSON.stringify(shown, null, 2).replace(/^/gm, '  ');
  return `  A sample mail became entry ${entryId} after ${latencyMs} ms, and ticket #${ticketNumber}:\n${text}`;
}
