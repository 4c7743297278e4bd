const REFERENCE =
  /(["'(=\s])attachment:([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?![0-9a-f-])/gi;

/**
 * Gives `attachment:<id>` in stored HTML the address under which the file is downloaded. Only files of the comment itself get one:
 * a mail may have brought such references of its own.
 */
export function withImageAddresses(html: string, ticketId: string, own: ReadonlySet<string>): string {
  return html.replace(REFERENCE, (whole, before: string, id: string) =>
    own.has(id.toLowerCase()) ? `${before}/api/tickets/${ticketId}/attachments/${id.toLowerCase()}` : whole,
  );
}
