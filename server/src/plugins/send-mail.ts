/** Mail leaving us: as a file to keep, or as a page that can do nothing. */
import type { FastifyReply } from 'fastify';
import { PREVIEW_HEADERS, previewPage, type MailBody } from '../use-cases/mail-preview.ts';

/** The name is ours: nothing of a hostile message reaches a header. Described as text, sent as the stream that it is. */
export function sendOriginal(reply: FastifyReply, eventId: string, bytes: NodeJS.ReadableStream): string {
  return reply
    .type('message/rfc822')
    .header('content-disposition', `attachment; filename="${eventId}.eml"`)
    .header('content-security-policy', "default-src 'none'; sandbox")
    .header('x-content-type-options', 'nosniff')
    .send(bytes) as unknown as string;
}

export function sendPreview(reply: FastifyReply, body: MailBody): string {
  // Past the serializer, which would make JSON of it.
  return reply.headers(PREVIEW_HEADERS).serializer(String).send(previewPage(body)) as unknown as string;
}
