/** The text of acknowledgements. Pure. */
import { headerLine } from '@mailstream/shared/domain/mail-address';

export interface AcknowledgedTicket {
  readonly number: number;
  readonly subject: string;
  /** Of the requester; null where the mail names none. */
  readonly name: string | null;
}

const TEXT = `Hello{{name}},

we have received your message "{{subject}}" and opened ticket #{{number}} for it.
Reply to this mail if there is anything to add.
`;

const MAX_QUOTED_SUBJECT = 150;
const MAX_NAME = 80;

/**
 * @param template with `{{number}}`, `{{subject}}` and `{{name}}` (empty, or a blank and the name); null for ours. Nothing that a sender wrote is
 *   read as a template, and it stays on one line.
 */
export function acknowledgementText(template: string | null, ticket: AcknowledgedTicket): string {
  const name = headerLine(ticket.name ?? '', MAX_NAME);
  const values: Readonly<Record<string, string>> = {
    number: String(ticket.number),
    subject: headerLine(ticket.subject, MAX_QUOTED_SUBJECT),
    name: name === '' ? '' : ` ${name}`,
  };
  return (template ?? TEXT).replaceAll(
    /\{\{(number|subject|name)\}\}/g,
    (_all, key: string) => values[key] ?? '',
  );
}
