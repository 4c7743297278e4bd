/** What a mail said, as the worker kept it or the dead letter has it. Originals are not read here: parsing them is the daemon's work. */
import type { Knex } from 'knex';
import type { TenantId } from '@mailstream/shared/domain/ids';
import { z } from 'zod';
import type { MailBody } from '../use-cases/mail-preview.ts';

const payloadSchema = z.object({
  emailData: z.object({ body: z.object({ text: z.string().catch(''), html: z.string().nullish() }) }),
});
const entrySchema = z.array(z.string());

export async function mailBody(
  trx: Knex.Transaction,
  tenant: TenantId,
  eventId: string,
): Promise<MailBody | null> {
  const comment = await commentBody(trx, tenant, { event_id: eventId });
  if (comment !== null) return comment;
  const letter = (await trx('dead_letters').where({ tenant, event_id: eventId }).first('entry')) as
    { entry: string | null } | undefined;
  return letter === undefined || letter.entry === null ? null : bodyOfEntry(letter.entry);
}

export async function commentBody(
  trx: Knex.Transaction,
  tenant: TenantId,
  which: { readonly event_id: string } | { readonly ticket_id: string; readonly id: string },
): Promise<MailBody | null> {
  const row = (await trx('ticket_comments')
    .where({ tenant, ...which })
    .first('body_text as text', 'body_html as html')) as MailBody | undefined;
  return row ?? null;
}

/** Null where the entry is not one that can be read: such letters exist. */
function bodyOfEntry(entry: string): MailBody | null {
  try {
    const fields = entrySchema.parse(JSON.parse(entry));
    const payload = fields[fields.findIndex((name, at) => at % 2 === 0 && name === 'payload_json') + 1];
    const { body } = payloadSchema.parse(JSON.parse(payload ?? '')).emailData;
    return { text: body.text, html: body.html ?? null };
  } catch {
    return null;
  }
}
