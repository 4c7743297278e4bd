/**
 * Subjects that responders and mail servers write when they set no header. Prefixes only, and closed ones: "Out of office: Tuesday"
 * and "Automatic reply" alone are a responder, "Out of office supplies", "Automatic replies are broken" and "Re: Out of office" are
 * not. The words are those of the large mail programs in their languages.
 */

const MAX_SUBJECT = 300;

const AUTO_REPLY_PREFIXES: readonly string[] = [
  // English
  'automatic reply',
  'automatic response',
  'automated reply',
  'automated response',
  'auto reply',
  'auto-reply',
  'autoreply',
  'auto response',
  'auto-response',
  'autoresponse',
  'auto: out of office',
  'out of office',
  'out-of-office',
  'out of the office',
  'out of office reply',
  'out of office notification',
  'out of office autoreply',
  'out of office auto-reply',
  'out of office: autoreply',
  'vacation reply',
  'vacation auto-reply',
  'away from office',
  // German
  'automatische antwort',
  'automatische rückantwort',
  'abwesenheitsnotiz',
  'abwesenheitsmeldung',
  'abwesenheitsbenachrichtigung',
  'abwesenheitsassistent',
  'automatische abwesenheitsnotiz',
  'out of office-antwort',
  // French
  'réponse automatique',
  'reponse automatique',
  "réponse automatique d'absence",
  'absence du bureau',
  "message d'absence",
  "notification d'absence",
  // Spanish, Catalan
  'respuesta automática',
  'respuesta automatica',
  'fuera de la oficina',
  'resposta automàtica',
  // Italian
  'risposta automatica',
  'fuori sede',
  'fuori ufficio',
  // Portuguese
  'resposta automática',
  'resposta automatica',
  'fora do escritório',
  'ausência temporária',
  // Dutch
  'automatisch antwoord',
  'automatische beantwoording',
  'afwezigheidsbericht',
  'afwezigheidsmelding',
  // Swedish, Danish, Norwegian, Finnish
  'automatiskt svar',
  'autosvar',
  'frånvaromeddelande',
  'automatisk svar',
  'fraværsmelding',
  'fraværsbesked',
  'automaattinen vastaus',
  'poissaoloviesti',
  // Polish, Czech, Slovak, Hungarian, Romanian
  'odpowiedź automatyczna',
  'automatyczna odpowiedź',
  'autoodpowiedź',
  'automatická odpověď',
  'automatická odpoveď',
  'automatikus válasz',
  'răspuns automat',
  // Slovene, Croatian, Serbian, Bulgarian
  'samodejni odgovor',
  'automatski odgovor',
  'аутоматски одговор',
  'автоматичен отговор',
  // Russian, Ukrainian
  'автоматический ответ',
  'автоответ',
  'автоматична відповідь',
  // Baltic
  'automatinis atsakymas',
  'automātiska atbilde',
  'automaatvastus',
  // Greek, Turkish, Hebrew, Arabic
  'αυτόματη απάντηση',
  'otomatik yanıt',
  'otomatik cevap',
  'תשובה אוטומטית',
  'رد تلقائي',
  // Japanese, Chinese, Korean
  '自動応答',
  '自動返信',
  '不在通知',
  '自动答复',
  '自动回复',
  '自動回覆',
  '自動回復',
  '자동 회신',
  '자동 응답',
  // Vietnamese, Indonesian, Thai
  'trả lời tự động',
  'balasan otomatis',
  'ตอบกลับอัตโนมัติ',
];

/** Those of servers; looked at only where the sender or the return path is a server's as well. */
const BOUNCE_WORDS = [
  'undeliver',
  'not delivered',
  'could not be delivered',
  'delivery status notification',
  'delivery notification',
  'delivery failure',
  'delivery failed',
  'delivery has failed',
  'delivery problem',
  'delivery error',
  'delivery incomplete',
  'delivery delayed',
  'delivery report',
  'failure notice',
  'failed delivery',
  'mail failure',
  'mail system error',
  'mail delivery',
  'message delivery',
  'returned mail',
  'returned to sender',
  'returned email',
  'warning: message',
  'warning: could not send',
  'non remis',
  'non distribué',
  'échec de la remise',
  "échec d'envoi",
  'unzustellbar',
  'nicht zugestellt',
  'nicht zustellbar',
  'zustellung',
  'no se puede entregar',
  'no entregado',
  'non recapitabile',
  'mancato recapito',
  'não é possível entregar',
  'não entregue',
  'onbestelbaar',
  'niet bezorgd',
  'olevererbart',
  'kan ikke leveres',
  'nie można dostarczyć',
  'niedostarczalna',
  'nedoručitelná',
  'kézbesíthetetlen',
  'недоставлен',
  'не доставлен',
  'не удается доставить',
  'teslim edilemedi',
  '配信不能',
  '配信できません',
  '未送达',
  '无法投递',
  '退信',
  '배달되지 않음',
] as const;

/** Longest first: a longer prefix may begin with a shorter one. */
const LONGEST_FIRST = AUTO_REPLY_PREFIXES.toSorted((a, b) => b.length - a.length);
/** What closes a prefix: nothing more, or the mark after which the original subject follows. */
const CLOSED = /^\s*(?:$|[:：)\]】]|\(|\[|!|\.$)/u;

export function isAutoReplySubject(subject: string): boolean {
  const text = plain(subject).replace(/^[[(【*]+\s*/u, '');
  return LONGEST_FIRST.some((prefix) => text.startsWith(prefix) && CLOSED.test(text.slice(prefix.length)));
}

export function isBounceSubject(subject: string): boolean {
  const text = plain(subject);
  return BOUNCE_WORDS.some((word) => text.includes(word));
}

function plain(subject: string): string {
  return subject
    .slice(0, MAX_SUBJECT)
    .normalize('NFC')
    .replaceAll(/\s+/g, ' ')
    .replaceAll('’', "'")
    .trim()
    .toLowerCase();
}
